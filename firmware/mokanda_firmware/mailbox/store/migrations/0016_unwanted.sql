-- SPDX-License-Identifier: Apache-2.0
-- Letters that are not wanted (docs/decisions/0016-strangers.md).

-- Writers: an address, or a domain, in lower case.
CREATE TABLE blocked (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER REFERENCES account ON DELETE CASCADE,  -- NULL: of the whole village
  writer TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX blocked_writer ON blocked (coalesce(account, 0), writer);
ALTER TABLE account ADD COLUMN newsletters_wait INTEGER NOT NULL DEFAULT 0;

-- More kinds of content requests: the relay says which it knows.
CREATE TABLE content_request_of_any_kind (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,                   -- a digest, a ticket or a local part
  account INTEGER REFERENCES account ON DELETE SET NULL, -- who asked; NULL is the device itself
  state TEXT NOT NULL CHECK (state IN ('waiting', 'asked', 'denied')),
  withdrawn INTEGER NOT NULL DEFAULT 0, -- the relay was asked, and is to be told
  sequence INTEGER,                     -- of the bundle that is about to tell it
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
INSERT INTO content_request_of_any_kind
  SELECT kind, name, account, state, withdrawn, sequence, reason FROM content_request;
DROP TABLE content_request;
ALTER TABLE content_request_of_any_kind RENAME TO content_request;
