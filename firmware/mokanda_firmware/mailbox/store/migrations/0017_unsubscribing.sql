-- SPDX-License-Identifier: Apache-2.0
-- Whether the relay can unsubscribe the reader of a mail.

ALTER TABLE message ADD COLUMN can_unsubscribe INTEGER NOT NULL DEFAULT 0;
