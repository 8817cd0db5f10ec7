"""A failed run at a real facility, its message, a button that is pressed, and what comes of it.

Through the installed program; the phone and the ntfy server are stand-ins.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from headrace._internal.heartbeat_files import read_heartbeats
from headrace.config.phone_table import phone_settings
from headrace.notifications import Notification
from headrace.notifications.phone.buttons import signer_of
from headrace.notifications.phone.signed_commands import Command as PhoneCommand
from headrace.notifications.phone.signed_commands import SignedCommand
from headrace.phone_answers.command_record import CommandRecord, RecordedCommand
from headrace.phone_answers.command_runner import CommandRunner
from headrace.phone_answers.question_notifier import QuestionNotifier
from headrace.project import Project, connect, load_project
from tests.support.command_process import document
from tests.support.phone import button, failed, with_actions
from tests.support.phone_at_hand import PhoneAtHand, phone, server
from tests.support.waiting import wait_until

__all__ = ["phone", "server"]


def load_target(root: Path) -> Callable[[str], Project]:
    def load(target: str) -> Project:
        return load_project(root, target=target)

    return load


def test_a_failed_run_is_retried_once_however_often_the_button_is_pressed(
    phone: PhoneAtHand,
) -> None:
    run_id = phone.failed_run()
    message = phone.tell(failed(run_id))
    phone.server.press(message, "Retry", times=3)
    first = phone.listen_once()
    retries = [each for each in phone.runs().values() if each["run_id"] != run_id]
    assert [each["retry_of"]["run_id"] for each in retries] == [run_id]
    assert len(first) == 1
    assert first[0].startswith("small: retry: done: given again, and not done again: breaks")
    assert retries[0]["run_id"][:8] in first[0]
    phone.server.press(message, "Retry")
    assert phone.listen_once() == []
    assert len(phone.runs()) == 2


def test_the_facility_tells_of_a_failure_and_the_phone_has_it_retried(
    phone: PhoneAtHand,
) -> None:
    file = phone.root / "headrace.toml"
    file.write_text(file.read_text().replace('digest = "1h"', 'digest = "1s"'))
    assert phone.headrace("facility", "down").returncode == 0
    run_id = phone.failed_run()
    [message] = wait_until(lambda: phone.server.of_topic(phone.pairing.topic), "the message")
    assert message["title"] == "small: breaks: FAILED"
    assert "as it is meant to" in message["message"]
    phone.server.press(message, "Retry")
    with phone.listening():
        wait_until(lambda: any("retry: done" in each for each in phone.told()), "what was done")
    retries = [each for each in phone.runs().values() if each["run_id"] != run_id]
    assert [each["retry_of"]["run_id"] for each in retries] == [run_id]


def test_a_service_that_hangs_delays_no_command(phone: PhoneAtHand) -> None:
    runs = [phone.run("waits") for _ in range(2)]
    messages = [phone.tell(with_actions(("Cancel", "cancel", each))) for each in runs]
    with phone.listening():
        phone.server.hanging.set()
        for message in messages:
            body = button(message, "Cancel")["body"]
            phone.server.publish(phone.pairing.answers_topic, body)
        wait_until(
            lambda: {phone.runs()[each]["status"] for each in runs} == {"FAILED"}, "both ends"
        )
        assert not any("cancel: done" in each for each in phone.told())
        phone.server.hanging.clear()
        wait_until(lambda: sum("cancel: done" in each for each in phone.told()) == 2, "the news")


def test_a_retry_that_was_sent_before_a_kill_is_found_and_not_sent_again(
    phone: PhoneAtHand,
) -> None:
    run_id = phone.failed_run()
    runner = CommandRunner(load_target(phone.root), connect)
    signed = SignedCommand(PhoneCommand("retry", run_id, "", "local"), 0, 2**40, str(UUID(int=15)))
    given = RecordedCommand(signed, "id1", "started", "", time.time(), 0, False)
    first = runner.run(given, lambda: None)
    again = runner.run(replace(given, sent=True), lambda: None)
    assert (first.state, again) == ("done", first)
    assert len(phone.runs()) == 2


def test_forged_and_late_answers_do_nothing_and_are_told(phone: PhoneAtHand) -> None:
    run_id = phone.failed_run()
    settings = phone_settings(phone.project.config.notify)
    assert settings is not None
    signer = signer_of(settings, phone.pairing)
    text = signer.sign(PhoneCommand("retry", run_id, "", "local"), 3600)
    forged = text[:-4] + ("AAAA" if not text.endswith("AAAA") else "BBBB")
    late = signer.sign(PhoneCommand("retry", run_id, "", "local"), -1)
    for answer in (forged, "retry", "x" * 4000, late):
        phone.server.publish(phone.pairing.answers_topic, answer)
    told = phone.listen_once()
    assert len(phone.runs()) == 1
    [warning, too_late] = sorted(told)
    assert "3 messages were refused that no button of this project sends" in warning
    assert too_late == "small: retry: not done: too late: it expired"


def test_a_new_pairing_makes_old_buttons_void(phone: PhoneAtHand) -> None:
    message = phone.tell(failed(phone.failed_run()))
    assert phone.headrace("notify", "pair", "--again").returncode == 0
    phone.server.press(message, "Retry")
    # Also where somebody carries the old text to the new topic.
    [action] = message["actions"]
    phone.server.publish(phone.pairing.answers_topic, action["body"])
    [told] = phone.listen_once()
    assert "1 message was refused" in told
    assert len(phone.runs()) == 1


def test_a_listener_takes_up_a_new_pairing_and_other_commands(phone: PhoneAtHand) -> None:
    run_id = phone.failed_run()
    with phone.listening():
        old = phone.tell(failed(run_id))
        assert phone.headrace("notify", "pair", "--again").returncode == 0
        phone.server.press(old, "Retry")
        message = phone.tell(failed(run_id))
        phone.server.press(message, "Retry")
        wait_until(lambda: any("retry: done" in each for each in phone.told()), "what was done")
        file = phone.root / "headrace.toml"
        file.write_text(re.sub("commands = .*", 'commands = ["cancel"]', file.read_text()))
        phone.server.press(phone.tell(failed(run_id)), "Retry")
        refusal = "retry is not among the commands of [notify.phone] any more"
        wait_until(lambda: any(refusal in each for each in phone.told()), "the refusal")
    assert len(phone.runs()) == 2


def test_a_listener_ends_when_its_phone_is_unpaired(phone: PhoneAtHand) -> None:
    listener = phone.listener()
    wait_until(lambda: phone.server.streams == 1, "the stream")
    assert phone.headrace("notify", "unpair").returncode == 0
    _, said = listener.communicate(timeout=60)
    assert listener.returncode == 1
    assert said.splitlines()[-1] == "error: no phone is paired: `headrace notify pair`"


def test_commands_that_fit_no_more_are_refused_and_told(phone: PhoneAtHand) -> None:
    run_id = phone.failed_run()
    ended = phone.tell(replace(failed(run_id), key=f"run/{run_id}/INACTIVE"))
    gone = phone.tell(failed(str(UUID(int=1))))
    for message, label in ((ended, "Resume"), (ended, "Cancel"), (gone, "Retry")):
        phone.server.press(message, label)
    told = phone.listen_once()
    assert "resume: not done: breaks" in told[0]
    assert told[0].endswith("does not wait to be resumed: it is FAILED")
    assert told[1].endswith("has ended already: FAILED")
    assert told[2].endswith("00000000 is not there any more")
    assert len(phone.runs()) == 1


def test_a_run_is_cancelled_and_a_trigger_paused(phone: PhoneAtHand) -> None:
    run_id = phone.run("waits")
    message = phone.tell(
        with_actions(("Cancel", "cancel", run_id), ("Pause", "pause", "trigger/new"))
    )
    phone.server.press(message, "Cancel")
    phone.server.press(message, "Pause")
    told = phone.listen_once()
    assert "is being cancelled" in told[0]
    assert "trigger new is paused" in told[1]
    wait_until(lambda: phone.runs()[run_id]["status"] == "FAILED", "the end")
    assert phone.headrace("trigger", "resume", "new").returncode == 0


def test_a_question_is_answered_and_the_second_answer_is_refused(phone: PhoneAtHand) -> None:
    run_id = phone.run("asks")
    [summary] = wait_until(lambda: document(phone.headrace, "web-input", "list"), "the question")
    shown = document(phone.headrace, "web-input", "show", summary["id"])
    options = {each["label"]: each["option_id"] for each in shown["options"]}
    message = phone.tell(
        with_actions(
            ("Accept", f"answer:{options['Accept']}", run_id),
            ("Reject", f"answer:{options['Reject']}", summary["id"]),
        )
    )
    phone.server.press(message, "Accept")
    assert phone.listen_once() == ["small: answer: done: Accept the model?: answered with Accept"]
    phone.server.press(message, "Reject")
    [told] = phone.listen_once()
    assert told.endswith("Accept the model?: was answered already, or waits no more")
    wait_until(lambda: phone.runs()[run_id]["status"] == "SUCCEEDED", "the end")
    output = document(phone.headrace, "run", "show", run_id, "--output")
    assert output["answer"]["response"] == "y"


def test_a_question_is_told_with_its_options_and_answered_by_a_button(phone: PhoneAtHand) -> None:
    run_id = phone.run("asks")
    [message] = wait_until(lambda: phone.server.of_topic(phone.pairing.topic), "the message")
    assert message["title"] == "small: asks: waits for an answer"
    assert message["message"].startswith("Accept the model?\nrun asks\n?\n")
    assert [each["label"] for each in message["actions"]] == ["Accept", "Reject"]
    phone.server.press(message, "Reject")
    assert phone.listen_once() == ["small: answer: done: Accept the model?: answered with Reject"]
    wait_until(lambda: phone.runs()[run_id]["status"] == "SUCCEEDED", "the end")
    output = document(phone.headrace, "run", "show", run_id, "--output")
    assert output["answer"]["response"] == "n"


def test_a_question_that_the_service_tells_nobody_of_is_told_once(phone: PhoneAtHand) -> None:
    phone.run("asks")
    wait_until(lambda: document(phone.headrace, "web-input", "list"), "the question")
    sent: list[Notification] = []
    down = True

    def send(notification: Notification) -> str:
        if not down:
            sent.append(notification)
        return "down" if down else ""

    said: list[str] = []
    with CommandRecord(phone.root / "record.db") as record:
        asking = QuestionNotifier(
            record, load_target(phone.root), connect, "local", send, said.append
        )
        asking.notify()
        asking.notify()
        down = False
        asking.notify()
        asking.notify()
    assert said == ["down"]
    [told] = sent
    assert told.subject == "Accept the model?"
    assert told.link.startswith("headrace web-input respond ")
    assert [each.label for each in told.actions] == ["Accept", "Reject"]


def test_the_listener_runs_alone_survives_a_kill_and_ends_on_a_signal(phone: PhoneAtHand) -> None:
    message = phone.tell(failed(phone.failed_run()))
    first = phone.listener()
    wait_until(lambda: phone.server.streams == 1, "the stream")
    second = phone.headrace("notify", "listen")
    assert (second.returncode, "nothing to do" in second.stderr) == (0, True)
    first.kill()
    first.communicate()
    # Pressed while nobody listens; the server keeps it.
    phone.server.press(message, "Retry")
    phone.server.drop_streams()
    third = phone.listener()
    wait_until(lambda: any("retry: done" in each for each in phone.told()), "what was done")
    third.send_signal(signal.SIGTERM)
    _, said = third.communicate()
    assert third.returncode == 0, said
    assert "answers wait at the service" in said
    [beat] = read_heartbeats(phone.root / ".headrace", "local")[:1]
    assert (beat.name, beat.state(time.time()), beat.problem) == ("answers", "stopped", "")
    assert phone.pairing.key not in said
    assert phone.pairing.answers_topic not in said
    assert len(phone.runs()) == 2
