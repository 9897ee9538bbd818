-- SPDX-License-Identifier: Apache-2.0

-- Of a list, a robot or a note of absence: no note of absence answers it.
ALTER TABLE message ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0;

ALTER TABLE account ADD COLUMN signature TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN absence TEXT NOT NULL DEFAULT '';  -- what is answered meanwhile
ALTER TABLE account ADD COLUMN absent_until INTEGER;              -- NULL: until it is taken away

-- Who has been told of an absence, and when.
CREATE TABLE absence_told (
  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  address TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account, address)
) STRICT, WITHOUT ROWID;

-- More names that an account answers to.
CREATE TABLE alias (
  name TEXT PRIMARY KEY,                -- a local part; no account has it
  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_account ON alias (account);

-- People that one writes to under one name.
CREATE TABLE people_group (
  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  name TEXT NOT NULL,                   -- one word in lower case, typed as if it were a villager
  members TEXT NOT NULL,                -- JSON array of [address, name]
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- The noticeboard.
CREATE TABLE news (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER REFERENCES account ON DELETE SET NULL,
  author TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
