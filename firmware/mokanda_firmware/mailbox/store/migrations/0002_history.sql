-- SPDX-License-Identifier: Apache-2.0
-- What went over the wire, to prime the codec with (mokanda_wire.history): opaque rows.

CREATE TABLE history (
  kind TEXT NOT NULL,
  position INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (kind, position)
) STRICT;

ALTER TABLE sync ADD COLUMN pending_record BLOB; -- what the frozen bundle will add to it
