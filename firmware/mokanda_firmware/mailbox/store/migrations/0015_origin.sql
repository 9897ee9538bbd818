-- SPDX-License-Identifier: Apache-2.0
-- What the relay knows of who has written a mail (mokanda_wire.message).

ALTER TABLE message ADD COLUMN proof TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN list_post TEXT NOT NULL DEFAULT '';
