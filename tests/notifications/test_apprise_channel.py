"""Mail and other services by apprise, to real receivers on this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from headrace.config import ProjectError
from headrace.config.notify_table import check_notify
from headrace.notifications import Notification, send_notification
from headrace.notifications.channels import apprise
from headrace.notifications.channels.apprise_worker import _without_secrets

FAILED = Notification(
    "p: a run: FAILED", "no space <left>", severity="error", link="headrace run show r1"
)


class Mailbox:
    """An SMTP server that keeps what it is given."""

    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


class Receiver(BaseHTTPRequestHandler):
    """Keeps what is posted; refuses below /broken."""

    posted: list[Any]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).posted.append(json.loads(body))
        self.send_response(401 if "broken" in self.path else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[int, list[Any]]]:
    Receiver.posted = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, Receiver.posted
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_mail_has_subject_text_and_picture(
    mailbox: tuple[Mailbox, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, port = mailbox
    picture = tmp_path / "model_vp.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n picture")
    monkeypatch.setenv(
        "MY_MAIL", f"mailto://127.0.0.1:{port}?from=headrace@example.org&to=me@example.org"
    )
    notification = Notification("p: iteration 12", "misfit 0.0123", picture=picture)
    assert send_notification({"apprise": ("$MY_MAIL",)}, notification) == []
    [mail] = box.mails
    assert mail["Subject"] == "p: iteration 12"
    assert "me@example.org" in mail["To"]
    parts = {part.get_filename(): part.get_payload(decode=True) for part in mail.walk()}
    assert parts["model_vp.png"] == picture.read_bytes()
    assert any(b"misfit 0.0123" in (text or b"") for text in parts.values())


def test_a_receiver_gets_severity_and_link_by_a_url_in_a_file(
    receiver: tuple[int, list[Any]], tmp_path: Path
) -> None:
    port, posted = receiver
    file = tmp_path / "url"
    file.write_text(f"json://127.0.0.1:{port}/hook\n")
    file.chmod(0o600)
    assert send_notification({"apprise": (str(file),)}, FAILED) == []
    [found] = posted
    assert (found["title"], found["type"]) == ("p: a run: FAILED", "failure")
    assert found["message"] == "no space <left>\nsee: headrace run show r1"


def test_several_urls_are_destinations_of_their_own(
    receiver: tuple[int, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, posted = receiver
    monkeypatch.setenv("GOOD", f"json://127.0.0.1:{port}/hook")
    monkeypatch.setenv("BAD", f"json://me:secret-word@127.0.0.1:{port}/broken/token-4711")
    [error] = send_notification({"apprise": ("$BAD", "$GOOD")}, FAILED)
    assert error.startswith("notify.apprise: $BAD: json: ")
    assert "401" in error
    for secret in ("secret-word", "token-4711", "broken"):
        assert secret not in error
    assert len(posted) == 2


def test_a_receiver_that_is_away_is_one_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWAY", "json://me:secret-word@127.0.0.1:1/token-4711")
    [error] = send_notification({"apprise": ("$AWAY",)}, FAILED)
    assert error.startswith("notify.apprise: $AWAY: json: ")
    assert "\n" not in error
    for secret in ("secret-word", "token-4711"):
        assert secret not in error


def test_a_receiver_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "_TIMEOUT_SECONDS", 2.0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        monkeypatch.setenv("HANGS", f"json://127.0.0.1:{port}/x?cto=1000&rto=1000")
        [error] = send_notification({"apprise": ("$HANGS",)}, FAILED)
    assert error == "notify.apprise: $HANGS: no answer within 2 s"


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("json://127.0.0.1:1/x")
    file.chmod(0o640)
    [error] = send_notification({"apprise": (str(file),)}, FAILED)
    assert error == f"notify.apprise: {file}: others can read it; run `chmod 600` on it"


@pytest.mark.parametrize(
    ("url", "words"),
    [("", "holds no URL"), ("nonsense", "holds no URL"), ("nosuch://x", "no URL of apprise that")],
)
def test_what_is_no_url_is_said(url: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", url)
    [error] = send_notification({"apprise": ("$MINE",)}, FAILED)
    assert words in error


def test_a_url_in_the_project_is_refused_for_it_is_a_secret() -> None:
    with pytest.raises(ProjectError, match=r"notify\.apprise.*a URL is a secret: put it into a"):
        check_notify({"apprise": ["json://me:pw@example.org"]})


def test_a_missing_library_is_one_line_when_the_table_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apprise, "_is_installed", lambda: False)
    with pytest.raises(ProjectError, match=r"apprise is not installed: pip install 'headrace\[not"):
        check_notify({"apprise": ["$MINE"]})


def test_no_part_of_a_url_but_its_host_is_shown() -> None:
    url = "slack://botname@xoxb-123/456%2Fabc/#channel?token=hidden"
    text = _without_secrets(f"failed at {url} with xoxb-123 456/abc hidden botname", url)
    assert text == "failed at ... with xoxb-123 .../... ... ..."
