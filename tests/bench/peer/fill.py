# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Put letters into Lokole's store, by its own code; runs in its own environment.

Reads JSON lines: mails as its `create` takes them, attachments in base64.
"""

import base64
import json
import sys

from flask_security.utils import hash_password
from opwen_email_client.webapp import app


def main() -> None:
    """Make the account of the first argument with the second as password, then read mails."""
    email, password = sys.argv[1:]
    with app.app_context():
        app.ioc.user_store.w.create_user(email=email, password=hash_password(password))
        app.ioc.user_store.w.commit()
    batch = []
    for line in sys.stdin:
        mail = json.loads(line)
        for attachment in mail.get("attachments", ()):
            attachment["content"] = base64.b64decode(attachment["content"])
        batch.append(mail)
        if len(batch) == 500:
            app.ioc.email_store.create(batch)
            batch = []
    app.ioc.email_store.create(batch)


main()
