-- SPDX-License-Identifier: Apache-2.0
-- What the relay has noted of a mail: that its text goes on in a file, or that it was not read.

ALTER TABLE message ADD COLUMN note TEXT NOT NULL DEFAULT '';
