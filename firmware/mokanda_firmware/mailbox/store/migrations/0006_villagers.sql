-- SPDX-License-Identifier: Apache-2.0

-- What opens the account to who has forgotten the password: hashed as one; '' is none.
ALTER TABLE account ADD COLUMN recovery TEXT NOT NULL DEFAULT '';
-- Octets of all letters and drafts; NULL: as for everybody, 0: no end.
ALTER TABLE account ADD COLUMN quota INTEGER;
