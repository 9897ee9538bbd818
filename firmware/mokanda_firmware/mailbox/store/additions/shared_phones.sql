-- SPDX-License-Identifier: Apache-2.0
-- Sessions on phones that others use too (mokanda_firmware.mailbox.people.sessions): they end by
-- the seconds of a boot, which nobody sets, and with it.
CREATE TABLE IF NOT EXISTS shared_session (
  token BLOB PRIMARY KEY REFERENCES session ON DELETE CASCADE,
  boot TEXT NOT NULL,
  seen INTEGER NOT NULL                 -- in seconds of that boot
) STRICT, WITHOUT ROWID;
