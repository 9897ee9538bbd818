-- SPDX-License-Identifier: Apache-2.0
-- Times are seconds since 1970, UTC. Lists of mailboxes are JSON arrays of [address, name].

CREATE TABLE account (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,            -- the local part of the address, lower case
  display_name TEXT NOT NULL,
  password TEXT NOT NULL,
  role TEXT NOT NULL DEFAULT 'villager' CHECK (role IN ('villager', 'helper', 'keeper')),
  language TEXT NOT NULL DEFAULT '',    -- '' is the phone's own choice
  suspended INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  last_seen INTEGER
) STRICT;

CREATE TABLE session (
  token BLOB PRIMARY KEY,               -- SHA-256 of the cookie: a copy of the store opens no session
  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account);

-- A mail is stored once, however many villagers have it. Listing reads this table, never `body`.
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE,          -- SHA-256 of all that is in it
  message_id TEXT NOT NULL,
  thread TEXT NOT NULL,                 -- Message-ID of the first mail of the conversation
  date INTEGER NOT NULL,
  sender_address TEXT NOT NULL,
  sender_name TEXT NOT NULL,
  recipients TEXT NOT NULL,             -- {"to": [], "cc": [], "reply_to": []}
  subject TEXT NOT NULL,
  in_reply_to TEXT NOT NULL,
  reference_ids TEXT NOT NULL,          -- JSON array
  attachments INTEGER NOT NULL,
  size INTEGER NOT NULL                 -- octets of text, HTML and attachments
) STRICT;
CREATE INDEX message_message_id ON message (message_id);
CREATE INDEX message_thread ON message (thread);

CREATE TABLE body (
  message INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE,
  text TEXT NOT NULL,                   -- also of a mail that came as HTML alone
  html TEXT NOT NULL
) STRICT;

CREATE TABLE attachment (
  message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  digest TEXT NOT NULL,                 -- SHA-256 in hex, the name of its file
  content_id TEXT NOT NULL,
  PRIMARY KEY (message, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_digest ON attachment (digest);

-- Who has a mail in which folder. An entry's number grows with its arrival, whatever the clock says.
CREATE TABLE entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  origin TEXT NOT NULL CHECK (origin IN ('received', 'written')),
  folder TEXT NOT NULL CHECK (folder IN ('inbox', 'outbox', 'sent', 'archive', 'trash')),
  came_from TEXT NOT NULL DEFAULT '',   -- the folder it had before the trash
  unread INTEGER NOT NULL,
  at INTEGER NOT NULL,                  -- when it came into its folder
  UNIQUE (account, message, origin)
) STRICT;
CREATE INDEX entry_folder ON entry (account, folder, id);
CREATE INDEX entry_unread ON entry (account, folder) WHERE unread;
CREATE INDEX entry_message ON entry (message);

-- Mail written here for the world outside.
CREATE TABLE outgoing (
  message INTEGER PRIMARY KEY REFERENCES message ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'bundled', 'sent')),
  sequence INTEGER,                     -- of the bundle that carries it
  queued INTEGER NOT NULL,
  reason TEXT NOT NULL DEFAULT ''       -- why it waits again
) STRICT;
CREATE INDEX outgoing_sequence ON outgoing (state, sequence);

-- How far a mail written here came, for each recipient, in the village or outside.
CREATE TABLE delivery (
  message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  address TEXT NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('waiting', 'relayed', 'sent', 'delivered', 'bounced', 'refused')),
  reason TEXT NOT NULL DEFAULT '',
  at INTEGER NOT NULL,
  PRIMARY KEY (message, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE draft (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  fields TEXT NOT NULL,                 -- JSON: what stands in the form
  updated INTEGER NOT NULL
) STRICT;
CREATE INDEX draft_account ON draft (account, updated);

CREATE TABLE draft_attachment (
  draft INTEGER NOT NULL REFERENCES draft ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (draft, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX draft_attachment_digest ON draft_attachment (digest);

CREATE TABLE setting (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL                   -- JSON
) STRICT, WITHOUT ROWID;

-- Where this device stands with its relay: one row.
CREATE TABLE sync (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  up_sequence INTEGER NOT NULL DEFAULT 0,
  down_applied INTEGER NOT NULL DEFAULT 0,
  hello_counter INTEGER NOT NULL DEFAULT 0,
  pending_size INTEGER,                 -- the frozen bundle up_sequence, until it is confirmed
  pending_sha256 TEXT,
  pending_path TEXT
) STRICT;
INSERT INTO sync (id) VALUES (1);

CREATE TABLE sync_session (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  link TEXT NOT NULL,
  bytes_up INTEGER NOT NULL,
  bytes_down INTEGER NOT NULL,
  sent INTEGER NOT NULL,
  received INTEGER NOT NULL,
  error TEXT NOT NULL
) STRICT;

-- Full text. The words stay in `message` and `body`; this holds the index alone.
CREATE VIEW searchable AS
  SELECT
    message.id AS id,
    message.subject AS subject,
    message.sender_name || ' ' || message.sender_address || ' ' || message.recipients AS people,
    body.text AS text,
    coalesce(
      (SELECT group_concat(attachment.name, ' ') FROM attachment
        WHERE attachment.message = message.id), ''
    ) AS files
  FROM message JOIN body ON body.message = message.id;
CREATE VIRTUAL TABLE search USING fts5 (
  subject, people, text, files,
  content = 'searchable', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
