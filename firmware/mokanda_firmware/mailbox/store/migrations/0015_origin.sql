-- SPDX-License-Identifier: Apache-2.0
-- What the relay knows of who has written a mail, and how many more it went to
-- (mokanda_wire.message).

ALTER TABLE message ADD COLUMN proof TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN list_post TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN others INTEGER NOT NULL DEFAULT 0;
