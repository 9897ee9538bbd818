-- SPDX-License-Identifier: Apache-2.0
-- Photos made smaller before they are sent: their writer may still choose.

CREATE TABLE smaller_photo (
  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  whole TEXT NOT NULL,                  -- digest of the photo as it was
  whole_size INTEGER NOT NULL,
  PRIMARY KEY (account, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX smaller_photo_whole ON smaller_photo (account, whole);
