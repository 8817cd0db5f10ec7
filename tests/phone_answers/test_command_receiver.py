"""Decisions on messages: once, in time, signed, allowed; and kills between any two steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.notifications.phone.signed_commands import Command, CommandSigner
from headrace.phone_answers.command_receiver import GIVE_UP_AFTER, CommandReceiver
from headrace.phone_answers.command_record import CommandRecord, RecordedCommand
from headrace.phone_answers.command_runner import Outcome

TOPIC = "answers"
RETRY = Command("retry", str(UUID(int=1)), "", "local")


class Killed(BaseException):
    """Ends a process at some point of its work."""


class Runner:
    """Carries out what comes, and notes it; may be killed before, within and after."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.outcome = Outcome("done", "it is retried")
        self.kill_at = ""

    def run(self, recorded: RecordedCommand, before_sending: Callable[[], None]) -> Outcome:
        self._maybe_die("before sending")
        if recorded.sent:
            return Outcome("unsure", "not known")
        before_sending()
        self._maybe_die("after sending")
        self.done.append(recorded.signed.command.name)
        return self.outcome

    def _maybe_die(self, place: str) -> None:
        if self.kill_at == place:
            self.kill_at = ""
            raise Killed


class Desk:
    """A receiver over a record, started anew whenever it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path, self.now, self.runner = path, 1e9, Runner()
        self.signer = CommandSigner(bytes(range(32)), "p", TOPIC, lambda: self.now)
        self.said: list[str] = []
        self.allowed = ["retry", "cancel"]
        self.number = 0
        self.restart()

    def restart(self) -> None:
        self.record = CommandRecord(self.path)
        self.receiver = CommandReceiver(
            self.signer,
            self.record,
            self.runner,  # type: ignore[arg-type]
            TOPIC,
            self.allowed,
            lambda: self.now,
            self.said.append,
        )

    def message(self, text: Any, message_id: str = "") -> dict[str, Any]:
        self.number += 1
        return {
            "id": message_id or f"id{self.number}",
            "event": "message",
            "topic": TOPIC,
            "message": text,
        }

    def outcomes(self) -> list[tuple[str, str]]:
        return [(each.state, each.outcome) for each in self.record.unreported()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "state" / "answers.db")


def test_a_button_does_its_work_once(desk: Desk) -> None:
    text = desk.signer.sign(RETRY, 60)
    desk.receiver.receive(desk.message(text))
    assert desk.runner.done == ["retry"]
    assert desk.outcomes() == [("done", "it is retried")]


def test_pressed_again_it_does_nothing_and_is_told_once(desk: Desk) -> None:
    text = desk.signer.sign(RETRY, 60)
    for _ in range(50):
        desk.receiver.receive(desk.message(text))
        desk.restart()
    assert desk.runner.done == ["retry"]
    assert desk.outcomes() == [("done", "given again, and not done again: it is retried")]


def test_a_message_that_the_server_gives_again_is_no_second_answer(desk: Desk) -> None:
    message = desk.message(desk.signer.sign(RETRY, 60))
    desk.receiver.receive(message)
    desk.restart()
    desk.receiver.receive(message)
    assert desk.runner.done == ["retry"]
    assert desk.outcomes() == [("done", "it is retried")]


def test_what_is_late_is_refused_and_told(desk: Desk) -> None:
    text = desk.signer.sign(RETRY, 60)
    desk.now += 61
    desk.receiver.receive(desk.message(text))
    assert desk.runner.done == []
    assert desk.outcomes() == [("refused", "too late: it expired")]
    # Nor does it live again when the clock is set back.
    desk.now -= 3600
    desk.receiver.receive(desk.message(text))
    assert desk.runner.done == []


def test_a_clock_that_was_set_back_lengthens_no_life(desk: Desk) -> None:
    text = desk.signer.sign(RETRY, 60)
    desk.now -= 86_400
    desk.receiver.receive(desk.message(text))
    assert desk.runner.done == []
    assert "clock was set back" in desk.outcomes()[0][1]


def test_a_command_that_is_allowed_no_more_is_refused(desk: Desk) -> None:
    text = desk.signer.sign(RETRY, 60)
    desk.allowed = ["cancel"]
    desk.restart()
    desk.receiver.receive(desk.message(text))
    assert desk.runner.done == []
    assert "not among the commands" in desk.outcomes()[0][1]


def test_texts_that_nobody_here_signed_do_nothing(desk: Desk) -> None:
    other = CommandSigner(bytes(32), "p", TOPIC, lambda: desk.now)
    hostile: list[Any] = [
        "",
        "retry",
        None,
        7,
        ["x"],
        {"a": 1},
        "hr1..",
        "hr1.e30.AAAA",
        "x" * 100_000,
        "\x1b]0;owned\x07\ud800",
        other.sign(RETRY, 60),
    ]
    for text in hostile:
        desk.receiver.receive(desk.message(text))
    assert desk.runner.done == []
    assert desk.record.unreported() == []
    assert f"{len(hostile)} messages were refused" in desk.receiver.refusals_to_report()
    assert "\x1b" not in "".join(desk.said)


def test_messages_of_another_kind_are_left_alone(desk: Desk) -> None:
    text = desk.signer.sign(RETRY, 60)
    odd: list[dict[str, Any]] = [
        {},
        {"event": "keepalive"},
        {**desk.message(text), "topic": "another"},
        {**desk.message(text), "id": 7},
        {**desk.message(text), "id": ""},
        {**desk.message(text), "id": "x" * 1000},
        {**desk.message(text), "event": "open"},
    ]
    for message in odd:
        desk.receiver.receive(message)
    assert desk.runner.done == []
    assert desk.receiver.refusals_to_report() == ""


def test_a_flood_is_told_once_an_hour(desk: Desk) -> None:
    for _ in range(5000):
        desk.receiver.receive(desk.message("x"))
    told = [desk.receiver.refusals_to_report() for _ in range(100)]
    assert "5000 messages" in told[0]
    assert not any(told[1:])
    for _ in range(10):
        desk.receiver.receive(desk.message("x"))
    assert desk.receiver.refusals_to_report() == ""
    desk.now += 3601
    assert "10 messages" in desk.receiver.refusals_to_report()
    assert len(desk.said) == 2


def test_after_a_flood_a_button_works_and_the_position_is_kept(desk: Desk) -> None:
    for _ in range(100):
        desk.receiver.receive(desk.message("x"))
    desk.receiver.flush_position()
    desk.restart()
    assert desk.receiver.position == "id100"
    desk.receiver.receive(desk.message(desk.signer.sign(RETRY, 60)))
    desk.restart()
    assert (desk.receiver.position, desk.runner.done) == ("id101", ["retry"])


@pytest.mark.parametrize(
    ("place", "done", "state"),
    [("before sending", ["retry"], "done"), ("after sending", [], "unsure")],
)
def test_killed_it_is_finished_or_told_as_unsure_and_never_done_twice(
    desk: Desk, place: str, done: list[str], state: str
) -> None:
    desk.runner.kill_at = place
    message = desk.message(desk.signer.sign(RETRY, 60))
    with pytest.raises(Killed):
        desk.receiver.receive(message)
    desk.restart()
    desk.receiver.receive(message)
    assert desk.runner.done == []
    desk.receiver.finish_started()
    desk.receiver.finish_started()
    assert desk.runner.done == done
    assert [each[0] for each in desk.outcomes()] == [state]


def test_while_the_service_is_away_it_waits_and_gives_up_in_the_end(desk: Desk) -> None:
    desk.runner.run = lambda recorded, before: Outcome("started", "no facility")  # type: ignore[method-assign]
    desk.receiver.receive(desk.message(desk.signer.sign(RETRY, 60)))
    desk.receiver.finish_started()
    assert desk.outcomes() == []
    desk.now += GIVE_UP_AFTER
    desk.receiver.finish_started()
    assert desk.outcomes() == [("failed", "given up: no facility")]


def test_the_record_is_private(desk: Desk) -> None:
    assert desk.path.stat().st_mode & 0o077 == 0
    assert desk.path.parent.stat().st_mode & 0o077 == 0
