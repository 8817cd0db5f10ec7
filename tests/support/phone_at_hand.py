"""A project at a real facility, the server of its phone, and the phone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from headrace.notifications import Notification, send_notification
from headrace.notifications.phone.pairing import Pairing, read_pairing
from headrace.project import load_project
from tests.support.command_process import Command, command_in, document
from tests.support.ntfy_server import NtfyServer
from tests.support.phone import phone_table
from tests.support.waiting import wait_until

BREAKS = {
    "StartAt": "Break",
    "States": {"Break": {"Type": "Fail", "Error": "Broken", "Cause": "as it is meant to"}},
}
ASKS = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": {
                "InputType": "Selection",
                "Context": {"Title": "Accept the model?", "PresentationStyle": "Text", "Text": "?"},
                "Options": [{"Value": "y", "Label": "Accept"}, {"Value": "n", "Label": "Reject"}],
            },
            "ResultPath": "$.question",
            "Next": "Await",
        },
        "Await": {
            "Type": "AwaitWebInput",
            "Parameters": {"web_input_id.$": "$.question.web_input_id"},
            "ResultPath": "$.answer",
            "End": True,
        },
    },
}
WAITS = {
    "StartAt": "Wait",
    "States": {"Wait": {"Type": "Wait", "Seconds": 100_000, "End": True}},
}
TRIGGER = """
title = "New"
[watch]
collection = "here"
path = "/"
what = "directory"
settle = 1
[start]
flow = "breaks"
"""


class PhoneAtHand:
    """A project, the server that its phone is subscribed at, and the phone."""

    def __init__(self, root: Path, server: NtfyServer) -> None:
        self.root, self.server = root, server
        self.headrace: Command = command_in(root)
        self.project = load_project(root)

    @property
    def pairing(self) -> Pairing:
        found = read_pairing(self.root)
        assert found is not None
        return found

    def run(self, flow: str) -> str:
        return str(document(self.headrace, "start", flow)["run_id"])

    def runs(self) -> dict[str, Any]:
        return {each["run_id"]: each for each in document(self.headrace, "run", "list")}

    def failed_run(self) -> str:
        run_id = self.run("breaks")
        wait_until(lambda: self.runs()[run_id]["status"] == "FAILED", "the failure")
        return run_id

    def tell(self, notification: Notification) -> dict[str, Any]:
        """Tell the phone, and return what it shows."""
        assert send_notification(self.project.config.notify, notification) == []
        return self.server.of_topic(self.pairing.topic)[-1]

    def told(self) -> list[str]:
        """Return all that the phone shows, title and text."""
        messages = self.server.of_topic(self.pairing.topic)
        return [f"{each['title']}: {each['message']}" for each in messages]

    def listener(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "headrace.cli", "notify", "listen"],
            cwd=self.root,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Have a process listen, whose stream is open."""
        process = self.listener()
        try:
            wait_until(lambda: self.server.streams > 0, "the stream")
            yield
        finally:
            process.terminate()
            process.communicate()

    def listen_once(self) -> list[str]:
        """Have what was answered carried out, and return what was told back."""
        before = len(self.told())
        done = self.headrace("notify", "listen", "--once")
        assert done.returncode == 0, done.stderr
        return self.told()[before:]


@pytest.fixture
def server() -> Iterator[NtfyServer]:
    with NtfyServer(keepalive=0.2) as running:
        yield running


@pytest.fixture
def phone(tmp_path: Path, server: NtfyServer) -> Iterator[PhoneAtHand]:
    root = tmp_path / "project"
    for name, definition in (("breaks", BREAKS), ("asks", ASKS), ("waits", WAITS)):
        flow = root / "flows" / name
        flow.mkdir(parents=True)
        (flow / "definition.json").write_text(json.dumps(definition))
        (flow / "input_schema.json").write_text("{}")
        (flow / "flow.toml").write_text(f'title = "{name}"\n')
    (root / "triggers").mkdir()
    (root / "triggers" / "new.toml").write_text(TRIGGER)
    (root / "data").mkdir()
    text = 'name = "small"\n[collections.here]\nroot = "data"\n'
    # What the facility tells by itself waits for others of its kind, except where a test says so.
    text += '[notify]\ndigest = "1h"\n'
    (root / "headrace.toml").write_text(text + phone_table(server.url))
    at_hand = PhoneAtHand(root, server)
    for arguments in (["notify", "pair"], ["deploy"]):
        done = at_hand.headrace(*arguments)
        assert done.returncode == 0, done.stderr
    yield at_hand
    stop_facility(root)
