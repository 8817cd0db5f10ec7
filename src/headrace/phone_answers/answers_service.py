"""Listening to a project's phone: one process of a project at a time, for months."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace._internal.files import only_one, private_directory
from headrace._internal.heartbeat_files import HeartbeatWriter
from headrace._internal.systemd_notify import notify_alive, notify_ready, notify_stopping
from headrace.config.phone_table import phone_settings
from headrace.errors import HeadraceError
from headrace.notifications import Notification, notification_channels
from headrace.notifications.phone.buttons import signer_of
from headrace.notifications.phone.errors import PhoneError
from headrace.notifications.phone.ntfy import NtfyServer
from headrace.notifications.phone.pairing import Pairing, pairing_file, read_pairing
from headrace.notifications.phone.pushover import PushoverApplication
from headrace.notifications.phone.settings import PhoneSettings
from headrace.phone_answers.answers_listener import AnswersListener
from headrace.phone_answers.command_receiver import CommandReceiver
from headrace.phone_answers.command_record import CommandRecord
from headrace.phone_answers.command_runner import CommandRunner
from headrace.phone_answers.outcome_notifier import OutcomeNotifier
from headrace.phone_answers.question_notifier import QuestionNotifier
from headrace.phone_answers.receipts_listener import ReceiptsListener
from headrace.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services

RECORD_FILE: Final = "phone_answers.db"
_LOCK_FILE: Final = "phone_answers.lock"
# Keepalives come every 45 s, questions to the service at most every five minutes.
_LATE_SECONDS: Final = 600.0
_DEAD_SECONDS: Final = 1800.0


@dataclass(frozen=True)
class Phone:
    """A paired phone that may give commands.

    Attributes:
        settings: the table ``[notify.phone]``.
        pairing: the project's pairing.
    """

    settings: PhoneSettings
    pairing: Pairing


def paired_phone(project: Project) -> Phone:
    """Return the phone of a project that may give commands.

    Raises:
        PhoneError: it has none, it is not paired, or it may give no command.
    """
    settings = required_settings(project)
    if not settings.commands:
        raise PhoneError(
            f"{project.config_file}: [notify.phone] has no commands, so nothing is listened for: "
            'commands = ["retry"] allows one'
        )
    pairing = read_pairing(project.root)
    if pairing is None:
        raise PhoneError("no phone is paired: `headrace notify pair`")
    return Phone(settings, pairing)


def required_settings(project: Project) -> PhoneSettings:
    """Return the table ``[notify.phone]`` of a project.

    Raises:
        PhoneError: it has none.
    """
    settings = phone_settings(project.config.notify)
    if settings is None:
        raise PhoneError(f"{project.config_file}: no [notify.phone] in it: see docs/phone.md")
    return settings


class _PhoneChanged(Exception):
    """Phone that was paired anew, or may give other commands."""


class AnswersService:
    """Listens to a project's phone, carries out its commands and tells what was done.

    Args:
        project: the project.
        phone: its phone.
        load: returns the project as it is at a target.
        connect: returns the services of a target, started where they are down.
        ask: likewise, and starts nothing.
        say: called with one line for what happens.
    """

    def __init__(
        self,
        project: Project,
        phone: Phone,
        load: Callable[[str], Project],
        connect: Callable[[Project, str], Services],
        ask: Callable[[Project, str], Services],
        say: Callable[[str], None],
    ) -> None:
        self._project, self._phone, self._say = project, phone, say
        self._load = load
        self._ask = ask
        self._runner = CommandRunner(load, connect)
        self._directory = _state_directory(project)
        self._signature = self._read_signature()

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Give whether no other process listens to the project's phone, and keep others out."""
        private_directory(self._directory)
        with only_one(self._directory / _LOCK_FILE) as alone:
            yield alone

    def run(self, *, once: bool = False) -> None:
        """Listen until the process is ended.

        Args:
            once: read what is there now, carry it out, tell it and end.

        Raises:
            PhoneError: the record cannot be used; the phone may give no command any more; with
                ``once``, the server does not answer.
        """
        while True:
            try:
                self._listen(once=once)
            except _PhoneChanged:
                self._say("the pairing or the settings of the phone have changed: listening anew")
            else:
                return

    def _listen(self, *, once: bool) -> None:
        """Listen as :meth:`run` does, to the phone as it was paired and set up last."""
        path = self._directory / RECORD_FILE
        with ExitStack() as stack:
            record, outcomes, asked = (stack.enter_context(CommandRecord(path)) for _ in range(3))
            target = self._phone.settings.target
            heartbeat = HeartbeatWriter(
                self._directory,
                "answers",
                target,
                late_after=_LATE_SECONDS,
                dead_after=_DEAD_SECONDS,
                stays=not once,
            )
            questions = (
                QuestionNotifier(asked, self._load, self._ask, target, self._send, self._say)
                if "answer" in self._phone.settings.commands and target != "local"
                else None
            )
            notifier = OutcomeNotifier(outcomes, self._send, self._say)
            receiver = self._receiver(record)

            listener: AnswersListener | ReceiptsListener

            def on_event() -> None:
                self._look_for_changes()
                notifier.warn(receiver.refusals_to_report())
                notifier.wake()
                heartbeat.beat("listens to the phone", listener.problem)
                notify_alive()

            listener = self._listener(receiver, on_event)
            if once:
                listener.read_once()
                notifier.warn(receiver.refusals_to_report())
                notifier.notify()
                if questions is not None:
                    questions.notify()
                return
            threads: list[OutcomeNotifier | QuestionNotifier] = [
                notifier,
                *([questions] if questions is not None else []),
            ]
            for each in threads:
                each.start()
            notify_ready()
            try:
                listener.run()
            finally:
                failed = sys.exception()
                if not isinstance(failed, _PhoneChanged):
                    notify_stopping()
                receiver.flush_position()
                for each in threads:
                    each.stop()
                if failed is None or not isinstance(failed, Exception):
                    heartbeat.stop()

    def _look_for_changes(self) -> None:
        """Read pairing and settings again where they have changed.

        Raises:
            _PhoneChanged: they are others now.
            PhoneError: the phone may give no command any more.
        """
        signature = self._read_signature()
        if signature == self._signature:
            return
        self._signature = signature
        try:
            project = self._load(self._phone.settings.target)
        except HeadraceError as error:
            self._say(f"the settings stay as they were: {error}")
            return
        phone = paired_phone(project)
        if phone != self._phone:
            self._project, self._phone = project, phone
            raise _PhoneChanged

    def _read_signature(self) -> object:
        from headrace._internal.file_signature import file_signature

        files = (self._project.config_file, pairing_file(self._project.root))
        return [file_signature(path) for path in files]

    def _receiver(self, record: CommandRecord) -> CommandReceiver:
        settings, pairing = self._phone.settings, self._phone.pairing
        return CommandReceiver(
            signer_of(settings, pairing),
            record,
            self._runner,
            settings.secret("answers_topic", pairing),
            settings.commands,
            say=self._say,
        )

    def _listener(
        self, receiver: CommandReceiver, on_event: Callable[[], None]
    ) -> AnswersListener | ReceiptsListener:
        settings, pairing = self._phone.settings, self._phone.pairing
        token = settings.secret("token", pairing)
        if settings.kind == "pushover":
            user = settings.secret("user", pairing)
            application = PushoverApplication(settings.base_url, token, user)
            root = self._project.root
            return ReceiptsListener(application, root, receiver, on_event, self._say)
        topic = settings.secret("answers_topic", pairing)
        server = NtfyServer(settings.base_url, token)
        return AnswersListener(server, topic, receiver, on_event, self._say)

    def _send(self, notification: Notification) -> str:
        """Send a notification to the phone alone, and return why it could not be sent."""
        named = replace(
            notification,
            subject=f"{self._project.name}: {notification.subject}",
            time=time.time(),
        )
        value = self._project.config.notify["phone"]
        return notification_channels()["phone"].send(value, named)


def _state_directory(project: Project) -> Path:
    from headrace.facility import state_directory

    return state_directory(project.root)
