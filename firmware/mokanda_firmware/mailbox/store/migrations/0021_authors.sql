-- SPDX-License-Identifier: Apache-2.0
-- A notice is of one villager, also when another is called the same, or the account is gone.
-- `name` is the author's local part, '?' where nobody knows it any more.
ALTER TABLE notice ADD COLUMN name TEXT NOT NULL DEFAULT '?';
UPDATE notice SET name = coalesce((SELECT name FROM account WHERE id = notice.account), '?');
