-- SPDX-License-Identifier: Apache-2.0
-- What the error of a session is made of, as JSON, so that a page can say it in any language.
ALTER TABLE sync_session ADD COLUMN error_said TEXT NOT NULL DEFAULT 'null';
