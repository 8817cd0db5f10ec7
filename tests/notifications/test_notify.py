from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from headrace.config import ProjectError
from headrace.config.notify_table import check_notify
from headrace.notifications import Notification, send_notification
from headrace.notifications.channels import command as command_channel
from headrace.project import load_project
from tests.support.waiting import wait_until


def test_a_command_gets_subject_and_message(tmp_path: Path) -> None:
    command = f'echo "$HEADRACE_SUBJECT" > {tmp_path}/told; cat >> {tmp_path}/told'
    assert (
        send_notification({"command": command}, Notification("it is down", "the endpoint\nis down"))
        == []
    )
    assert (tmp_path / "told").read_text() == "it is down\nthe endpoint\nis down\n"


def test_the_link_is_the_last_line_of_a_text(tmp_path: Path) -> None:
    notification = Notification("a", "b", link="headrace run show r1")
    assert send_notification({"command": f"cat > {tmp_path}/told"}, notification) == []
    assert (tmp_path / "told").read_text() == "b\nsee: headrace run show r1\n"


def test_what_a_command_leaves_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    command = f"(sleep 300 & echo $! > {tmp_path}/left) ; cat > /dev/null"
    try:
        assert send_notification({"command": command}, Notification("a", "b")) == []
    finally:
        os.kill(int((tmp_path / "left").read_text()), signal.SIGKILL)


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_channel, "_TIMEOUT_SECONDS", 1.0)
    value = f"sleep 300 & echo $! > {tmp_path}/left; token=secret wait"
    [fault] = send_notification({"command": value}, Notification("a", "b"))
    assert fault == "notify.command: it did not end within 1 s"
    left = int((tmp_path / "left").read_text())
    wait_until(
        lambda: not psutil.pid_exists(left) or psutil.Process(left).status() == "zombie", "its end"
    )


def test_the_end_of_many_words_of_a_command_is_kept_in_plain_letters() -> None:
    value = "head -c 1000000 /dev/zero | tr '\\0' x >&2; printf '\\033[31m y' >&2; exit 1"
    [fault] = send_notification({"command": value}, Notification("a", "b"))
    assert fault.startswith("notify.command ended with exit code 1: xxx")
    assert fault.isprintable()
    assert len(fault) < 600


@pytest.mark.parametrize("value", ["https://[x", "http://", "https://a:b]"])
def test_a_webhook_that_is_no_url_is_one_line(value: str, tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text(f'[notify]\nwebhook = "{value}"\n')
    with pytest.raises(ProjectError, match=r"notify\.webhook: must begin with https://"):
        load_project(tmp_path)


def test_a_command_that_fails_is_reported_and_stops_nothing() -> None:
    [fault] = send_notification({"command": "echo no mail >&2; exit 3"}, Notification("a", "b"))
    assert fault == "notify.command ended with exit code 3: no mail"


class Hook(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    posted: list[dict[str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).posted.append(json.loads(body))
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    Hook.posted = []
    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Hook.posted
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_gets_the_text(hook: tuple[str, list[dict[str, str]]]) -> None:
    url, posted = hook
    assert send_notification({"webhook": url}, Notification("a", "b")) == []
    assert posted == [{"text": "a\nb"}]
    assert send_notification({"webhook": f"{url}/broken"}, Notification("a", "b")) == [
        "notify.webhook: answered 500"
    ]


def test_a_webhook_may_be_a_secret_of_the_environment(
    hook: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_HOOK", hook[0])
    assert send_notification({"webhook": "$MY_HOOK"}, Notification("a", "b")) == []
    monkeypatch.delenv("MY_HOOK")
    assert send_notification({"webhook": "$MY_HOOK"}, Notification("a", "b")) == [
        "notify.webhook: $MY_HOOK holds no https URL"
    ]


def test_the_url_is_in_no_message() -> None:
    [fault] = send_notification({"webhook": "http://127.0.0.1:1/secret"}, Notification("a", "b"))
    assert "secret" not in fault
    assert fault.startswith("notify.webhook: not reached")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"mail": "me@example.org"},
            "notify.mail: unknown key; known here: apprise, command, digest, ",
        ),
        ({"webhook": "http://example.org"}, "must begin with https://"),
    ],
)
def test_the_table_is_checked(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ProjectError, match=words):
        check_notify(settings)
