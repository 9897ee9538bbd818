-- SPDX-License-Identifier: Apache-2.0
-- What the relay has kept back, and who wants it (docs/wire.md).

-- The file as the relay got it, where it sent a smaller picture or nothing; '' where it is whole.
ALTER TABLE attachment ADD COLUMN original TEXT NOT NULL DEFAULT '';
ALTER TABLE attachment ADD COLUMN original_size INTEGER NOT NULL DEFAULT 0;
CREATE INDEX attachment_original ON attachment (original) WHERE original <> '';
ALTER TABLE draft_attachment ADD COLUMN original TEXT NOT NULL DEFAULT '';
ALTER TABLE draft_attachment ADD COLUMN original_size INTEGER NOT NULL DEFAULT 0;

-- What the relay calls a mail by, '' for one written here; and the file with the mail as it was.
ALTER TABLE message ADD COLUMN ticket TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN original TEXT NOT NULL DEFAULT '';
CREATE INDEX message_ticket ON message (ticket) WHERE ticket <> '';

-- A mail that waits at the relay; the message has its sender and subject.
CREATE TABLE stub (
  ticket TEXT PRIMARY KEY,
  message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  size INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX stub_message ON stub (message);

CREATE TABLE wish (
  kind TEXT NOT NULL CHECK (kind IN ('file', 'mail', 'original')),
  name TEXT NOT NULL,                   -- a digest, or a ticket
  account INTEGER REFERENCES account ON DELETE SET NULL, -- who asked; NULL is the device itself
  state TEXT NOT NULL CHECK (state IN ('waiting', 'asked', 'denied')),
  withdrawn INTEGER NOT NULL DEFAULT 0, -- the relay was asked, and is to be told
  sequence INTEGER,                     -- of the bundle that is about to tell it
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- Files that the relay holds, as far as is known: they need not go up.
CREATE TABLE at_relay (
  digest TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whether a phone's browser takes WebP, by what it last said; the relay makes pictures accordingly.
ALTER TABLE session ADD COLUMN webp INTEGER NOT NULL DEFAULT 0;
