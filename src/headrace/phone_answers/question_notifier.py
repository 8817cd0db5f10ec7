"""Tells the phone of the questions that runs ask at the hosted service, with buttons.

At ``local`` the facility tells of them, by every channel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from headrace._internal.periodic import PeriodicWork
from headrace.errors import HeadraceError
from headrace.notifications import Notification
from headrace.phone_answers.command_record import CommandRecord
from headrace.project import Project
from headrace.runs.question_messages import question_message

if TYPE_CHECKING:
    from headrace.hosted import Services

QUESTION_SECONDS: Final = 60.0
"""Seconds between two looks at the open web inputs."""


class QuestionNotifier:
    """Tells each open web input of a project's flows once, in a thread of its own.

    Args:
        record: which were told; of this thread alone.
        load: returns the project.
        connect: returns the services; a facility that is down asks nothing, and stays down.
        target: where the runs are.
        send: sends a notification to the phone, and returns why it could not be sent.
        say: called with one line for what goes wrong, once.
    """

    def __init__(
        self,
        record: CommandRecord,
        load: Callable[[str], Project],
        connect: Callable[[Project, str], Services],
        target: str,
        send: Callable[[Notification], str],
        say: Callable[[str], None],
    ) -> None:
        self._record, self._load, self._connect = record, load, connect
        self._target, self._send, self._say = target, send, say
        self._problem = ""
        self._work = PeriodicWork(
            self.notify, QUESTION_SECONDS, self._report, name="question notifier"
        )

    def start(self) -> None:
        """Look for questions from now on."""
        self._work.start()

    def stop(self) -> None:
        """Stop, when what is being sent has been."""
        self._work.stop(60.0)

    def notify(self) -> None:
        """Tell the questions that are open and were not told yet.

        Raises:
            HeadraceError: the services cannot be asked.
            GlobusError: likewise.
        """
        from headrace.runs.web_inputs import list_web_inputs

        project = self._load(self._target)
        flows = {flow.id for flow in project.lock().at(self._target).flows.values()}
        services = self._connect(project, self._target)
        summaries = [
            each
            for each in list_web_inputs(services)
            if (each.get("flow") or {}).get("id") in flows
        ]
        self._record.keep_questions(str(each["id"]) for each in summaries)
        for summary in reversed(summaries):
            web_input_id = str(summary["id"])
            if self._record.is_question_known(web_input_id):
                continue
            problem = self._send(question_message(services.read(f"/web_inputs/{web_input_id}")))
            if problem:
                self._say_once(problem)
                return
            self._record.add_question(web_input_id)
        self._problem = ""

    def _report(self, error: Exception) -> None:
        from headrace.hosted import explain, sdk

        if isinstance(error, sdk().GlobusError):
            error = explain(error)
        words = str(error) if isinstance(error, HeadraceError) else repr(error)
        self._say_once(f"open questions cannot be looked for: {' '.join(words.split())}")

    def _say_once(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self._say(problem)
