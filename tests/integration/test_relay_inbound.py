# SPDX-License-Identifier: Apache-2.0
"""Mail from the world: SendGrid's Parse webhook, posted to a real relay."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import socket
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from mokanda_relay.mime.parse import parse
from mokanda_relay.operator import devices
from mokanda_relay.operator.housekeeping import Housekeeper
from mokanda_relay.printable import LogFormatter
from mokanda_relay.store import clock
from mokanda_relay.store.tables import Alert, Incoming, Original
from mokanda_relay.transport import untold
from mokanda_relay.transport.sendgrid import parse_webhook
from mokanda_wire.formats import FORMAT
from tests.relay_device import RelayDevice
from tests.relay_served import BOTH_DATABASES, INBOUND_SECRET, Served

pytest_plugins = ("tests.relay_fixtures",)

AMINA = "amina@kitenge.example"


def mail(headers: str = "", body: str | bytes = "Hello") -> bytes:
    head = f"From: Ada <ada@example.org>\r\nMessage-ID: <1@example.org>\r\n{headers}\r\n".encode()
    return head + (body.encode() if isinstance(body, str) else body)


def alert_texts(served: Served) -> list[str]:
    with served.relay.database.reading() as session:
        return [each.text for each in session.scalars(sa.select(Alert).order_by(Alert.id))]


def queued(served: Served) -> list[str]:
    with served.relay.database.reading() as session:
        return list(session.scalars(sa.select(Incoming.recipient).order_by(Incoming.recipient)))


def connect(served: Served) -> http.client.HTTPConnection:
    address = urlsplit(served.operator_url)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)


def post(
    served: Served, body: bytes, content_type: str = "multipart/form-data; boundary=b"
) -> tuple[int, str]:
    connection = connect(served)
    connection.request("POST", f"/inbound/{INBOUND_SECRET}", body, {"Content-Type": content_type})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def form_begin(envelope: bytes) -> bytes:
    """A form with this envelope, up to where the mail's text goes on."""
    return (
        b'--b\r\nContent-Disposition: form-data; name="envelope"\r\n\r\n'
        + envelope
        + b'\r\n--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n'
        b"From: ada@example.org\r\n\r\n"
    )


def form(envelope: bytes) -> bytes:
    """A form with this envelope, and a mail."""
    return form_begin(envelope) + b"Hello\r\n--b--\r\n"


FORM = form_begin(b'{"to":["amina@kitenge.example"],"from":"ada@example.org"}')


def post_chunks(served: Served, body: bytes, size: int, end: bytes = b"0\r\n\r\n") -> int:
    """Post a body in chunks of so many bytes."""
    connection = connect(served)
    connection.putrequest("POST", f"/inbound/{INBOUND_SECRET}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    with contextlib.suppress(ConnectionError):  # who has read enough closes
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            connection.send(b"%x;name=value\r\n%b\r\n" % (len(piece), piece))
        connection.send(end)
    status = connection.getresponse().status
    connection.close()
    return status


class TestRouting:
    def test_the_envelope_decides_not_the_headers(self, served: Served) -> None:
        device = served.claimed_device()
        raw = mail("To: a-mailing-list@example.org\r\nCc: bako@kitenge.example\r\n")
        assert served.world.post_inbound(raw, "list@example.org", [AMINA])[0] == 200
        device.sync()
        assert [each.recipients for each in device.mails] == [(AMINA,)]

    def test_case_does_not_matter(self, served: Served) -> None:
        served.claimed_device()
        served.world.post_inbound(mail(), "ada@example.org", ["AMINA@Kitenge.Example"])
        assert queued(served) == [AMINA]

    def test_what_follows_a_plus_is_the_villagers_own(self, served: Served) -> None:
        device = served.claimed_device()
        served.world.post_inbound(mail(), "ada@example.org", ["amina+sante@kitenge.example"])
        assert queued(served) == [AMINA]
        device.sync()
        assert [each.recipients for each in device.mails] == [(AMINA,)]

    def test_nor_does_the_dot_that_a_domain_may_end_in(self, served: Served) -> None:
        served.claimed_device()
        served.world.post_inbound(mail(), "ada@example.org", ["amina@KITENGE.EXAMPLE."])
        assert queued(served) == [AMINA]

    def test_one_mail_for_two_villagers_travels_once(self, served: Served) -> None:
        device = served.claimed_device()
        served.world.post_inbound(mail(), "ada@example.org", [AMINA, "bako@kitenge.example"])
        device.sync()
        assert [each.recipients for each in device.mails] == [(AMINA, "bako@kitenge.example")]

    def test_each_village_gets_its_own(self, served: Served) -> None:
        kitenge = served.claimed_device("kitenge", "amina")
        liputa = served.claimed_device("liputa", "moke")
        served.world.post_inbound(mail(), "ada@example.org", [AMINA, "moke@liputa.example"])
        kitenge.sync()
        liputa.sync()
        assert [each.recipients for each in kitenge.mails] == [(AMINA,)]
        assert [each.recipients for each in liputa.mails] == [("moke@liputa.example",)]

    def test_before_the_first_sync_every_name_is_taken(self, served: Served) -> None:
        served.new_device()
        assert served.world.post_inbound(mail(), "ada@example.org", [AMINA])[0] == 200
        assert queued(served) == [AMINA]

    @pytest.mark.parametrize(
        ("recipient", "why"),
        [
            ("amina@elsewhere.example", "unknown village"),
            ("amina", "unknown village"),
        ],
    )
    def test_what_cannot_be_delivered_is_recorded_and_answered_as_taken(
        self, served: Served, recipient: str, why: str
    ) -> None:
        served.claimed_device()
        answer = served.world.post_inbound(mail(), "ada@example.org", [recipient, AMINA])
        assert answer[0] == 200
        assert queued(served) == [AMINA]
        assert alert_texts(served) == [f"a mail from <ada@example.org> for <{recipient}>: {why}"]

    @pytest.mark.parametrize(
        "hostile", ["x" * 200_000, "a\r\nWARNING forged", "a\0b", "\ud800@x", "\u202egro.elpmaxe"]
    )
    def test_what_strangers_call_themselves_makes_one_short_printable_line(
        self, served: Served, caplog: pytest.LogCaptureFixture, hostile: str
    ) -> None:
        served.claimed_device()
        for sender, recipient in ((hostile, "amina@elsewhere.example"), ("", hostile)):
            assert served.world.post_inbound(mail(), sender, [recipient])[0] == 200
        shown = [*alert_texts(served), *map(LogFormatter().format, caplog.records)]
        assert all(each.isprintable() and len(each) < 700 for each in shown)

    def test_many_make_one_alert_of_a_day_and_village(self, served: Served) -> None:
        served.claimed_device()
        for number in range(3):
            unknown = [f"{number}@elsewhere.example", f"{number}@nowhere.example"]
            served.world.post_inbound(mail(), "ada@example.org", unknown)
        with served.relay.database.reading() as session:
            assert list(session.scalars(sa.select(Alert.count))) == [6]
        page = served.get("/")[1]
        assert "for &lt;2@nowhere.example&gt;: unknown village (the last of 6 on that day)" in page


@BOTH_DATABASES
def test_mail_for_a_role_and_for_a_name_with_a_detail_goes_like_that_of_villagers(
    served: Served,
) -> None:
    device = served.claimed_device()
    device.sync()
    roles = "Postmaster@kitenge.example", "abuse+1@kitenge.example"
    detailed = "amina+films@kitenge.example"
    served.world.post_inbound(mail(), "ada@example.org", [*roles, detailed, AMINA])
    Housekeeper(served.relay).tidy()
    names = ["abuse@kitenge.example", AMINA, "postmaster@kitenge.example"]
    assert queued(served) == names
    device.sync()
    assert [sorted(each.recipients) for each in device.mails] == [names]
    assert alert_texts(served) == []


CYR = "cyr@kitenge.example"
UNKNOWN = f"a mail from <ada@example.org> for <{CYR}>: unknown villager"


class TestNewcomers:
    """Mail for villagers of whom the device has not told."""

    def post(self, served: Served, *recipients: str, raw: bytes | None = None) -> None:
        answer = served.world.post_inbound(raw or mail(), "ada@example.org", recipients or [CYR])
        assert answer[0] == 200

    def tell(self, device: RelayDevice, *names: str) -> None:
        device.freeze(residents=("amina", "bako", *names))
        device.sync()

    def test_their_mail_goes_when_the_device_tells_of_them(self, served: Served) -> None:
        device = served.claimed_device()
        self.post(served, AMINA, CYR)
        self.tell(device, "cyr")
        assert [each.recipients for each in device.mails] == [(AMINA, CYR)]
        self.tell(device, "cyr")
        self.tell(device, "cyr")
        assert queued(served) == [AMINA, CYR]
        assert alert_texts(served) == []

    def test_it_waits_out_a_list_that_may_be_older_than_the_mail(self, served: Served) -> None:
        device = served.claimed_device()
        device.freeze(residents=("amina", "bako"))
        self.post(served, AMINA, CYR)
        device.sync()
        assert [each.recipients for each in device.mails] == [(AMINA,)]
        self.tell(device, "cyr")
        assert [each.recipients for each in device.mails] == [(AMINA,), (CYR,)]
        assert alert_texts(served) == []

    @BOTH_DATABASES
    def test_it_is_undeliverable_when_the_device_knows_of_nobody(self, served: Served) -> None:
        device = served.claimed_device()
        self.post(served)
        self.tell(device)
        assert alert_texts(served) == []
        self.tell(device)
        assert alert_texts(served) == [f"{UNKNOWN}; its writer is told"]
        assert queued(served) == []
        self.tell(device, "cyr")
        assert device.mails == []

    def test_a_mail_that_is_posted_again_arrives_once(self, served: Served) -> None:
        device = served.claimed_device()
        self.post(served)
        self.post(served)
        self.tell(device, "cyr")
        self.post(served)
        self.tell(device, "cyr")
        assert len(device.mails) == 1

    @BOTH_DATABASES
    @pytest.mark.parametrize(("days", "waits"), [(6, True), (8, False)])
    def test_it_waits_a_week_for_a_device_that_does_not_call(
        self, served: Served, days: int, *, waits: bool
    ) -> None:
        served.claimed_device()
        self.post(served, AMINA, CYR)
        self.post(served, raw=mail(body="for a newcomer alone"))
        with served.relay.database.transaction() as session:
            came = clock.now() - dt.timedelta(days=days)
            session.execute(sa.update(Incoming).values(received=came))
        housekeeper = Housekeeper(served.relay)
        for _ in range(3):
            housekeeper.tidy()
        assert queued(served) == [AMINA, *[CYR, CYR] * waits]
        assert alert_texts(served) == [UNKNOWN] * (not waits)  # the last one; once a day is told
        # Beside Amina's mail that for the newcomers, or what its writer is told.
        assert len(list(served.relay.originals.written())) == 2

    def test_it_goes_to_a_new_card_before_that_has_told_anything(self, served: Served) -> None:
        device = served.claimed_device()
        self.post(served)
        self.tell(device)
        devices.renew(served.relay, device.name)
        Housekeeper(served.relay).tidy()
        assert queued(served) == [CYR]

    @pytest.mark.parametrize("bound", ["MAX_MAILS", "MAX_BYTES"])
    def test_what_waits_is_bounded(
        self, served: Served, monkeypatch: pytest.MonkeyPatch, bound: str
    ) -> None:
        served.claimed_device()
        monkeypatch.setattr(untold, bound, {"MAX_MAILS": 2, "MAX_BYTES": 2 * len(mail())}[bound])
        for name in ("cyr", "cyr", "dede", "eve"):
            self.post(served, f"{name}@kitenge.example", AMINA)
        assert queued(served) == [AMINA, CYR, "dede@kitenge.example"]
        assert alert_texts(served) == [UNKNOWN.replace("cyr", "eve")]


class TestOnce:
    def test_a_post_whose_answer_got_lost_changes_nothing_the_second_time(
        self, served: Served
    ) -> None:
        device = served.claimed_device()
        served.world.post_inbound(mail(), "ada@example.org", [AMINA])
        served.world.post_inbound(mail(), "ada@example.org", [AMINA])
        device.sync()
        served.world.post_inbound(mail(), "ada@example.org", [AMINA])  # even after its delivery
        device.sync()
        assert len(device.mails) == 1

    def test_the_raw_mail_is_kept(self, served: Served) -> None:
        served.claimed_device()
        raw = mail(body=b"\xff\x00 as it came \r\n")
        served.world.post_inbound(raw, "ada@example.org", [AMINA])
        with served.relay.database.reading() as session:
            [original] = session.scalars(
                sa.select(Original).join(Incoming, Incoming.digest == Original.digest)
            )
        assert served.relay.originals.read(original.digest) == raw


BROKEN = {
    "unknown charset": mail("Content-Type: text/plain; charset=x-martian\r\n", b"\xe9t\xe9"),
    "wrong charset": mail("Content-Type: text/plain; charset=utf-8\r\n", b"caf\xe9"),
    "boundary that never comes": mail("Content-Type: multipart/mixed; boundary=b\r\n", "no parts"),
    "part cut short": mail(
        "Content-Type: multipart/mixed; boundary=b\r\n",
        "--b\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/4AA",
    ),
    "no header at all": b"\r\nHello",
    "nothing": b"",
    "8-bit headers": mail("Subject: caf\xe9\r\n"),
    "another boundary of the form's": mail(body="\r\n--xYzZY--\r\n"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_mail_arrives_and_blocks_nothing(served: Served, name: str) -> None:
    device = served.claimed_device()
    raw = BROKEN[name]
    assert served.world.post_inbound(raw, "ada@example.org", [AMINA])[0] == 200
    served.world.write("ada@example.org", [AMINA], "Behind it", "Hello")
    device.sync()
    assert len(device.mails) == 2
    arrived = next(each.message for each in device.mails if each.message.subject != "Behind it")
    assert arrived.text == parse(raw)[0].text


class TestForm:
    @pytest.mark.parametrize(
        "path", ["/inbound", "/inbound/", "/inbound/guess", f"/inbound/{INBOUND_SECRET}/more"]
    )
    def test_a_wrong_path_takes_nothing_loses_nothing_and_is_told_once(
        self, served: Served, path: str
    ) -> None:
        served.claimed_device()
        served.world.parse_url = f"{served.operator_url}{path}"
        for _ in range(3):
            assert served.world.post_inbound(mail(), "ada@example.org", [AMINA])[0] == 503
        assert queued(served) == []
        [told] = alert_texts(served)
        assert "mokanda-relay webhooks" in told

    def test_a_wrong_method_loses_nothing(self, served: Served) -> None:
        connection = connect(served)
        connection.request("PUT", f"/inbound/{INBOUND_SECRET}", mail())
        assert connection.getresponse().status == 503
        connection.close()

    @pytest.mark.parametrize(
        "head",
        [
            b"nonsense\r\n\r\n",
            b"post /inbound/x HTTP/1.1\r\n\r\n",
            b"POST /inbound/x HTTP/1.1\r\nContent-Length: long\r\n\r\n",
            b"POST /inbound/x HTTP/1.1\r\nno colon\r\n\r\n",
        ],
    )
    def test_what_is_no_request_hears_no_4xx(self, served: Served, head: bytes) -> None:
        address = urlsplit(served.operator_url)
        with socket.create_connection((address.hostname, address.port), 30) as connection:
            connection.sendall(head)
            assert connection.recv(100).startswith(b"HTTP/1.1 503 ")

    def test_a_mail_in_chunks_is_taken(self, served: Served) -> None:
        served.claimed_device()
        form = FORM + b"x" * 300_000 + b"\r\n--b--\r\n"
        assert post_chunks(served, form, 70_000) == 200
        assert queued(served) == [AMINA]

    def test_chunks_without_an_end_are_not_read_for_ever(self, served: Served) -> None:
        served.claimed_device()
        assert post_chunks(served, FORM + b"x" * (parse_webhook.MAX_BYTES), 1_000_000) == 503
        assert queued(served) == []
        assert any("more than" in each for each in alert_texts(served))

    def test_chunks_that_break_off_are_not_taken(self, served: Served) -> None:
        served.claimed_device()
        assert post_chunks(served, FORM + b"cut", 100, end=b"zz\r\n") == 503
        assert queued(served) == []

    def test_a_mail_of_30_mb_is_taken(self, served: Served) -> None:
        served.claimed_device()
        raw = mail(body=b"x" * (30 * 1024 * 1024))
        assert served.world.post_inbound(raw, "ada@example.org", [AMINA])[0] == 200
        assert queued(served) == [AMINA]

    def test_a_larger_post_is_refused_before_it_is_sent(self, served: Served) -> None:
        connection = connect(served)
        connection.putrequest("POST", f"/inbound/{INBOUND_SECRET}")
        connection.putheader("Content-Length", str(parse_webhook.MAX_BYTES + 1))
        connection.endheaders()
        assert connection.getresponse().status == 503
        connection.close()
        assert any("more than" in each for each in alert_texts(served))

    def test_without_the_raw_mail_sendgrid_is_made_to_try_again_and_the_operator_is_told(
        self, served: Served
    ) -> None:
        form = (
            b'--b\r\nContent-Disposition: form-data; name="envelope"\r\n\r\n'
            b'{"to":["amina@kitenge.example"],"from":"ada@example.org"}\r\n'
            b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nHello\r\n--b--\r\n'
        )
        status, text = post(served, form)
        assert status == 503
        assert "raw" in text
        assert any("raw" in each for each in alert_texts(served))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"--b",
            b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\ncut',
            b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\nx\r\n--b--\r\n',
            b'--b\r\nContent-Disposition: form-data; name="envelope"\r\n\r\n[1]\r\n--b--\r\n',
            b'--b\r\nContent-Disposition: form-data; name="envelope"\r\n\r\n\xff\r\n--b--\r\n',
            form(b'{"to":' + b"[" * 100_000),
            form(b'{"to":[1,null,{}],"from":[]}'),
            form(b'{"to":["amina@kitenge.example"],"from":[]}'),
            form(b'{"to":["amina@kitenge.example",""],"from":"ada@example.org"}'),
            form(b'{"to":[],"from":"ada@example.org"}'),
            form(b'{"to":{},"from":"ada@example.org"}'),
            form(b'{"from":"ada@example.org"}'),
        ],
    )
    def test_a_form_that_is_none_stays_with_sendgrid_and_is_told_once(
        self, served: Served, body: bytes
    ) -> None:
        for _ in range(3):
            assert post(served, body)[0] == 503
        assert len(alert_texts(served)) == 1

    def test_a_body_of_another_kind_stays_with_sendgrid(self, served: Served) -> None:
        assert post(served, b"{}", "application/json")[0] == 503

    def test_a_full_disk_makes_sendgrid_try_again(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr("mokanda_wire.durable.os.fsync", full)
            assert served.world.post_inbound(mail(), "ada@example.org", [AMINA])[0] == 503
        served.claimed_device()
        assert served.world.post_inbound(mail(), "ada@example.org", [AMINA])[0] == 200
        assert queued(served) == [AMINA]


def a_device(served: Served, name: str = "kitenge") -> RelayDevice:
    """One of today: those of the first format are not told who wrote a mail."""
    device = served.claimed_device(name)
    device.format = FORMAT
    return device


class TestWhoWroteIt:
    @pytest.mark.parametrize(
        ("spf", "dkim", "proof"),
        [
            ("pass", "{@example.org : pass}", "passed"),
            ("softfail", "{@mailer.example : pass, @example.org : pass}", "passed"),
            ("fail", "none", "failed"),
            ("none", "{@example.org : fail}", "failed"),
            ("none", "none", ""),
            ("pass" * 5000, "{" + "@example.org : pass, " * 5000, "passed"),
        ],
    )
    def test_what_sendgrid_has_found_goes_with_the_mail(
        self, served: Served, spf: str, dkim: str, proof: str
    ) -> None:
        device = a_device(served)
        served.world.post_inbound(mail(), "ada@example.org", [AMINA], spf=spf, dkim=dkim)
        served.wait_until_prepared()
        device.sync()
        assert [each.message.proof for each in device.mails] == [proof]

    def test_without_a_word_of_it_nothing_is_known(self, served: Served) -> None:
        device = a_device(served)
        assert post(served, form(b'{"to":["amina@kitenge.example"],"from":"ada@example.org"}'))[0]
        served.wait_until_prepared()
        device.sync()
        assert [each.message.proof for each in device.mails] == [""]

    def test_mail_of_another_village_is_vouched_for_by_the_relay(self, served: Served) -> None:
        kitenge, kimpese = served.claimed_device(), a_device(served, "kimpese")
        kitenge.freeze(kitenge.message("amina@kimpese.example", "Mbote"))
        kitenge.sync()
        served.wait_until_prepared()
        kimpese.sync()
        assert [each.message.proof for each in kimpese.mails] == ["passed"]

    def test_a_list_that_is_not_among_the_people_of_a_mail_is_told(self, served: Served) -> None:
        device = a_device(served)
        raw = mail("To: undisclosed:;\r\nList-Post: <mailto:Liste%2Ba@Lists.Example.org?x=y>\r\n")
        served.world.post_inbound(raw, "bounce@lists.example.org", [AMINA])
        served.wait_until_prepared()
        device.sync()
        assert [each.message.list_post for each in device.mails] == ["Liste+a@lists.example.org"]
