"""Pushover through the stand-in: emergency messages, their receipts, what acknowledging does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from headrace.notifications import Notification, send_notification
from headrace.notifications.phone.pairing import with_secret, write_pairing
from headrace.notifications.phone.pushover import RECEIPT_SECONDS, PushoverApplication
from headrace.notifications.phone.receipts import kept_receipts, receipts_directory
from headrace.notifications.phone.signed_commands import SignedCommand
from headrace.phone_answers.receipts_listener import ReceiptsListener
from headrace.project import Project
from tests.support.phone import failed, pair_project, with_actions
from tests.support.pushover_server import TOKEN, USER, PushoverServer
from tests.support.small_project import root

__all__ = ["root"]

RUN = str(UUID(int=1))


class Acknowledged:
    """A receiver that keeps what it is handed."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, str, str]] = []

    def receive_signed(self, signed: SignedCommand, message_id: str) -> None:
        command = signed.command
        self.commands.append((command.name, command.subject, command.argument))

    def finish_started(self) -> None:
        """Nothing was started."""


@pytest.fixture
def server() -> Iterator[PushoverServer]:
    with PushoverServer() as running:
        yield running


@pytest.fixture
def project(root: Path, server: PushoverServer) -> Project:
    project, pairing = pair_project(root, server.url, kind="pushover")
    write_pairing(project.root, with_secret(with_secret(pairing, "token", TOKEN), "user", USER))
    return project


def listener(
    server: PushoverServer, project: Project, receiver: Acknowledged, now: float | None = None
) -> tuple[ReceiptsListener, list[float], list[str]]:
    pauses: list[float] = []
    said: list[str] = []
    application = PushoverApplication(server.url, TOKEN, USER)
    made = ReceiptsListener(
        application, project.root, receiver, say=said.append, wait=pauses.append
    )
    if now is not None:
        made._clock = lambda: now
    return made, pauses, said


def test_what_can_go_on_is_an_emergency_and_the_rest_is_not(
    server: PushoverServer, project: Project
) -> None:
    for told in (failed(RUN), Notification("a", "b"), with_actions(("Cancel", "cancel", RUN))):
        assert send_notification(project.config.notify, told) == []
    first, *others = server.messages
    assert (first["priority"], first["retry"], first["expire"]) == ("2", "300", "10800")
    assert first["message"] == "it broke\nAcknowledge it to go on: Retry."
    assert [each["priority"] for each in others] == ["0", "0"]
    assert len(list(kept_receipts(project.root))) == 1
    assert receipts_directory(project.root).stat().st_mode & 0o077 == 0


def test_acknowledged_it_goes_on_once(server: PushoverServer, project: Project) -> None:
    send_notification(project.config.notify, failed(RUN))
    option = with_actions(("Yes", "answer:1", RUN), ("No", "answer:2", RUN))
    send_notification(project.config.notify, option)
    receiver = Acknowledged()
    asking, pauses, _ = listener(server, project, receiver)
    asking.run(rounds=2)
    assert receiver.commands == []
    assert len(server.questions) == 4
    assert min(pauses) >= RECEIPT_SECONDS == 5.0
    for receipt in server.receipts:
        server.acknowledge(receipt)
    asking.run(rounds=3)
    assert sorted(receiver.commands) == [("answer", RUN, "1"), ("retry", RUN, "")]
    assert len(server.questions) == 6, "an answered receipt is asked for no more"


def test_what_has_expired_is_left_alone(server: PushoverServer, project: Project) -> None:
    send_notification(project.config.notify, failed(RUN))
    [receipt] = server.receipts
    server.expire(receipt)
    receiver = Acknowledged()
    listener(server, project, receiver)[0].run(rounds=3)
    assert (receiver.commands, server.questions) == ([], [receipt])
    assert list(kept_receipts(project.root)) == []


def test_a_service_that_fails_is_asked_more_and_more_rarely(
    server: PushoverServer, project: Project
) -> None:
    send_notification(project.config.notify, failed(RUN))
    asking, pauses, said = listener(server, project, Acknowledged())
    server.fail_with += [500] * 8
    asking.run(rounds=8)
    assert pauses[:4] == [10, 20, 40, 80]
    assert max(pauses) == 300
    assert said == ["Pushover answered 500; tried again and again"]
    assert len(list(kept_receipts(project.root))) == 1


def test_a_receipt_that_is_unknown_is_forgotten(server: PushoverServer, project: Project) -> None:
    send_notification(project.config.notify, failed(RUN))
    server.receipts.clear()
    asking, _, said = listener(server, project, Acknowledged())
    asking.run(rounds=2)
    assert said == [
        "a receipt is not known any more: answered 404: receipt not found; may be invalid or "
        "expired"
    ]
    assert len(server.questions) == 1


def test_a_damaged_receipt_stops_no_other(server: PushoverServer, project: Project) -> None:
    send_notification(project.config.notify, failed(RUN))
    (receipts_directory(project.root) / "a.json").write_text("{")
    assert len(list(kept_receipts(project.root))) == 1


def test_long_messages_are_cut(server: PushoverServer, project: Project) -> None:
    told = replace(failed(RUN), subject="s" * 999, message="m" * 9999)
    assert send_notification(project.config.notify, told) == []
    assert len(server.messages[0]["message"]) == 1024
    assert server.messages[0]["message"].endswith("…\nAcknowledge it to go on: Retry.")


def test_errors_are_told_without_secrets(server: PushoverServer, project: Project) -> None:
    server.fail_with.append(429)
    assert send_notification(project.config.notify, failed(RUN)) == ["notify.phone: answered 429"]
    with pytest.raises(Exception, match="application token is invalid") as error:
        PushoverApplication(server.url, "wrong-token", USER).send("a", "b", 0, "")
    assert "wrong-token" not in str(error.value)


def test_without_its_secrets_the_way_out_is_told(root: Path, server: PushoverServer) -> None:
    project, _ = pair_project(root, server.url, kind="pushover")
    assert send_notification(project.config.notify, failed(RUN)) == [
        "notify.phone.token is not known: `headrace notify pair --token-file FILE`"
    ]


def test_receipts_that_nobody_waits_for_any_more_are_not_asked_for(
    server: PushoverServer, project: Project
) -> None:
    for _ in range(3):
        assert send_notification(project.config.notify, failed(RUN)) == []
    [kept, *_] = kept_receipts(project.root)
    made, pauses, _ = listener(server, project, Acknowledged(), kept.signed.expires + 2 * 86_400.0)
    made.read_once()
    assert pauses == []
    assert list(kept_receipts(project.root)) == []
