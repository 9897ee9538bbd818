-- SPDX-License-Identifier: Apache-2.0
-- The names that these things have everywhere else.

ALTER TABLE wish RENAME TO content_request;
ALTER TABLE left_name RENAME TO reserved_name;
ALTER TABLE news RENAME TO notice;
ALTER TABLE absence_told RENAME TO absence_reply;
UPDATE audit SET action = 'notice' WHERE action = 'news';
