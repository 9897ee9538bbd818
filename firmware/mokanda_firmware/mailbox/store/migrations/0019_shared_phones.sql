-- SPDX-License-Identifier: Apache-2.0

-- Whether the phone of a session is used by others too: it ends soon.
ALTER TABLE session ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
