# SPDX-License-Identifier: Apache-2.0
"""Which files of the attachments' folder the database names.

Every column that names one is in this table, and all who have to know ask here: a file that is not
named is swept away, and is in no backup.
"""

import sqlite3

_IS_PHOTO = "media_type LIKE 'image/%'"
_COLUMNS = (  # of which table, and whether the file is a photo
    ("digest", "attachment", _IS_PHOTO),
    ("original", "attachment", _IS_PHOTO),
    ("digest", "draft_attachment", _IS_PHOTO),
    ("original", "draft_attachment", _IS_PHOTO),
    ("digest", "smaller_photo", "1"),
    ("whole", "smaller_photo", "1"),
    ("original", "message", "0"),
)


def named_files(connection: sqlite3.Connection) -> dict[str, bool]:
    """Return the digest of every file that is named, and whether it is a photo.

    A file that is named may not have come yet.
    """
    named = " UNION ALL ".join(
        f"SELECT {column} AS digest, {is_photo} AS is_photo FROM {table}"  # noqa: S608 - constants
        for column, table, is_photo in _COLUMNS
    )
    rows = connection.execute(
        f"SELECT digest, max(is_photo) FROM ({named}) WHERE digest <> '' GROUP BY digest"  # noqa: S608
    )
    return {digest: bool(is_photo) for digest, is_photo in rows}
