# SPDX-License-Identifier: Apache-2.0
"""What the webhooks read came over the wire: whatever it is, it is taken or refused, no more."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mokanda_relay.bell import Bell
from mokanda_relay.store.database import Database
from mokanda_relay.store.file_blob_store import FileBlobStore
from mokanda_relay.store.settings import SettingsError
from mokanda_relay.store.tables import Notice
from mokanda_relay.transport import outbox
from mokanda_relay.transport.inbound import Intake
from mokanda_relay.transport.sendgrid import event_webhook
from mokanda_relay.transport.sendgrid.parse_webhook import InboundParse
from mokanda_relay.transport.webhook import BadPostError, NotSetUpError, Post

pytest_plugins = ("tests.relay_fixtures",)

on_one_database = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
fields = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("event", "email", "timestamp", "reason", "mokanda_id"), json_values),
)


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


@on_one_database
@given(
    body=st.binary(max_size=60)
    | st.lists(fields | json_values, max_size=4).map(lambda value: json.dumps(value).encode())
)
def test_events_of_any_shape(database: Database, body: bytes) -> None:
    with contextlib.suppress(BadPostError):
        outbox.record_events(database, event_webhook.parse_events(body))
    with database.reading() as session:
        assert session.scalars(sa.select(Notice)).all() == []


SOUND = (
    b'--b\r\nContent-Disposition: form-data; name="envelope"\r\n\r\n'
    b'{"to":["amina@kitenge.example"],"from":"ada@example.org"}\r\n'
    b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n'
    b"From: ada@example.org\r\n\r\nHello\r\n--b--\r\n"
)


def post_form(database: Database, folder: Path, body: bytes) -> None:
    """Post a form to Inbound Parse's webhook, which may refuse it."""
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    intake = Intake(database, FileBlobStore(folder / "originals"), Bell())
    with contextlib.suppress(BadPostError, NotSetUpError):
        InboundParse("secret", intake).receive(
            Post(lambda name: headers.get(name, ""), len(body), io.BytesIO(body))
        )


@on_one_database
@given(data=st.data())
def test_forms_of_any_shape(database: Database, tmp_path: Path, data: st.DataObject) -> None:
    body = bytearray(SOUND)
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    post_form(database, tmp_path, bytes(body))


@on_one_database
@given(envelope=json_values)
def test_envelopes_of_any_shape(database: Database, tmp_path: Path, envelope: object) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="envelope"\r\n\r\n%b\r\n'
        b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\nHello\r\n--b--\r\n'
    ) % json.dumps(envelope).encode()
    post_form(database, tmp_path, body)


class TestSignature:
    def key(self) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
        private = ec.generate_private_key(ec.SECP256R1())
        public = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return private, public

    def test_it_is_over_the_timestamp_and_the_raw_bytes(self) -> None:
        private, public = self.key()
        body = b'[{"email": "caf\xe9"}]'  # not UTF-8: it must not be decoded and encoded again
        signature = private.sign(b"1780000000" + body, ec.ECDSA(hashes.SHA256()))
        loaded = event_webhook.load_public_key(base64.b64encode(public).decode())
        event_webhook.verify(loaded, body, base64.b64encode(signature).decode(), "1780000000")
        with pytest.raises(BadPostError):
            event_webhook.verify(loaded, body, base64.b64encode(signature).decode(), "1780000001")

    @given(signature=st.text(max_size=100), timestamp=st.text(max_size=20))
    def test_a_signature_of_any_shape_is_wrong(self, signature: str, timestamp: str) -> None:
        _, public = self.key()
        loaded = event_webhook.load_public_key(base64.b64encode(public).decode())
        with pytest.raises(BadPostError):
            event_webhook.verify(loaded, b"[]", signature, timestamp)

    @pytest.mark.parametrize("text", ["", "no key", "AAAA", "-----BEGIN PUBLIC KEY-----"])
    def test_a_setting_that_is_no_key_is_named(self, text: str) -> None:
        with pytest.raises(SettingsError, match="SENDGRID_EVENT_KEY"):
            event_webhook.load_public_key(text)

    def test_a_key_of_another_kind_is_named(self) -> None:
        pem = (
            rsa.generate_private_key(65537, 2048)
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        with pytest.raises(SettingsError, match="SENDGRID_EVENT_KEY"):
            event_webhook.load_public_key(pem.decode())
