-- SPDX-License-Identifier: Apache-2.0
-- The villagers' money (mokanda_firmware.mailbox.costs.ledger), in billionths of its currency.

-- What stands here stays: a mistake is undone by another entry. An entry outlives its account, so
-- it refers to none; account numbers do not come again.
CREATE TABLE IF NOT EXISTS ledger (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,                   -- 'paid', 'returned', 'corrected', 'spent' or 'left'
  account INTEGER,                      -- NULL: the village itself
  name TEXT NOT NULL DEFAULT '',        -- of the account
  currency TEXT NOT NULL,
  amount INTEGER NOT NULL,              -- what the balance grows by; below 0, what it shrinks by
  bytes INTEGER NOT NULL DEFAULT 0,     -- of letters, where they were paid for
  actor TEXT NOT NULL DEFAULT '',       -- the keeper, where one has written it
  corrects INTEGER UNIQUE,              -- the entry that it undoes
  once TEXT UNIQUE                      -- the form that has brought it
) STRICT;
CREATE INDEX IF NOT EXISTS ledger_account ON ledger (account, currency, amount);
CREATE TRIGGER IF NOT EXISTS ledger_unchanged BEFORE UPDATE ON ledger
BEGIN
  SELECT raise(ABORT, 'an entry of the ledger stays as it is');
END;
CREATE TRIGGER IF NOT EXISTS ledger_kept BEFORE DELETE ON ledger
BEGIN
  SELECT raise(ABORT, 'an entry of the ledger stays');
END;

-- What the link has cost since the ledger is kept, and what of it is not divided yet.
CREATE TABLE IF NOT EXISTS link_cost (
  currency TEXT PRIMARY KEY,
  money INTEGER NOT NULL,
  open_money INTEGER NOT NULL,
  open_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The letters for which it is to be divided: bytes of bundles by account.
CREATE TABLE IF NOT EXISTS open_share (
  currency TEXT NOT NULL,
  account INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (currency, account)
) STRICT, WITHOUT ROWID;
