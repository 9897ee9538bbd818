-- SPDX-License-Identifier: Apache-2.0

-- Whether the villager has named a contact: no letter gives it another name.
ALTER TABLE contact ADD COLUMN named INTEGER NOT NULL DEFAULT 0;
