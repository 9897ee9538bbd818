-- SPDX-License-Identifier: Apache-2.0

-- A folder is listed by conversation: one line for the newest letter of each.
ALTER TABLE entry ADD COLUMN thread TEXT NOT NULL DEFAULT '';
ALTER TABLE entry ADD COLUMN newest INTEGER NOT NULL DEFAULT 1;
ALTER TABLE entry ADD COLUMN trashed INTEGER; -- when it came into the trash
UPDATE entry SET thread = (SELECT thread FROM message WHERE message.id = entry.message);
CREATE INDEX entry_thread ON entry (account, thread, folder, id);
UPDATE entry SET newest = NOT EXISTS (
  SELECT 1 FROM entry AS later
    WHERE later.account = entry.account AND later.thread = entry.thread
      AND later.folder = entry.folder AND later.id > entry.id
);
CREATE INDEX entry_newest ON entry (account, folder, id) WHERE newest;
-- Answers without references belong to the letter whose subject they repeat.
CREATE INDEX message_subject ON message (subject);

-- Whom a villager writes to, kept by itself.
CREATE TABLE contact (
  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  address TEXT NOT NULL,
  name TEXT NOT NULL,
  letters INTEGER NOT NULL,             -- written to this address
  PRIMARY KEY (account, address)
) STRICT, WITHOUT ROWID;

-- A password that the keeper gave is changed at the next log-in.
ALTER TABLE account ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0;

-- What keepers and helpers did to accounts.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,                  -- names, which outlive accounts
  action TEXT NOT NULL,
  subject TEXT NOT NULL
) STRICT;
