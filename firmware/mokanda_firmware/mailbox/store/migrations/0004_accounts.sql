-- SPDX-License-Identifier: Apache-2.0
-- What the mail costs. Days are the village's, by the relay's time (YYYY-MM-DD); money is in
-- billionths of its currency, '' where nobody has told the tariff.

-- All that crossed the link.
CREATE TABLE traffic (
  day TEXT NOT NULL,
  currency TEXT NOT NULL,
  bytes_up INTEGER NOT NULL DEFAULT 0,
  bytes_down INTEGER NOT NULL DEFAULT 0,
  money INTEGER NOT NULL DEFAULT 0,
  runs INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,    -- of the runs
  PRIMARY KEY (day, currency)
) STRICT, WITHOUT ROWID;

-- What of it was a villager's mail.
CREATE TABLE share (
  day TEXT NOT NULL,
  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  currency TEXT NOT NULL,
  bytes_up INTEGER NOT NULL DEFAULT 0,
  bytes_down INTEGER NOT NULL DEFAULT 0,
  money INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (day, account, currency)
) STRICT, WITHOUT ROWID;
CREATE INDEX share_account ON share (account, day);

ALTER TABLE sync ADD COLUMN day TEXT;   -- the last one that was counted
ALTER TABLE sync_session ADD COLUMN money INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sync_session ADD COLUMN currency TEXT NOT NULL DEFAULT '';

ALTER TABLE outgoing ADD COLUMN cost INTEGER; -- octets of a bundle, once they are known
-- Why it did not go: 'day' or 'villager' when that budget was used up, 'large' when it is more than
-- one of them allows for a whole day.
ALTER TABLE outgoing ADD COLUMN held TEXT NOT NULL DEFAULT '';

ALTER TABLE account ADD COLUMN budget INTEGER; -- octets a day; NULL: as for everybody
