-- SPDX-License-Identifier: Apache-2.0

-- Letters that their reader wants to find again.
ALTER TABLE entry ADD COLUMN starred INTEGER NOT NULL DEFAULT 0;
CREATE INDEX entry_starred ON entry (account) WHERE starred;
