-- SPDX-License-Identifier: Apache-2.0
-- Names of accounts that were deleted: mail for who is gone must not reach somebody else.

CREATE TABLE left_name (
  name TEXT PRIMARY KEY,                -- a local part, of an account or an alias
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
