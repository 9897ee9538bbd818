-- SPDX-License-Identifier: Apache-2.0
-- Mails up to this number may come again, under other names: the relay has forgotten them.
ALTER TABLE sync ADD COLUMN repeats_to INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_date ON message (date);
