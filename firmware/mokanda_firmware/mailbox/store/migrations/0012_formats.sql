-- SPDX-License-Identifier: Apache-2.0
-- Which formats of bundles the relay knows, and what it sent that is not known here.

ALTER TABLE sync ADD COLUMN relay_format INTEGER NOT NULL DEFAULT 1;   -- the newest, as it last said
ALTER TABLE sync ADD COLUMN pending_format INTEGER NOT NULL DEFAULT 1; -- of the bundle on its way

CREATE TABLE unknown_item (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  text BLOB NOT NULL,                   -- UTF-8, as in a bundle of its own (mokanda_wire.unknown)
  format INTEGER NOT NULL,
  ticket TEXT NOT NULL                  -- of the mail that it is a field of, or ''
) STRICT;
