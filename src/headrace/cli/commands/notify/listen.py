"""``headrace notify listen``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.notes import note
from headrace.cli.termio.signals import Stopped, describe_interrupt

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project

_ALONE = "another process listens to the phone of this project; nothing to do"


@click.command
@click.option("--once", is_flag=True, help="Carry out what was answered until now, and end.")
@project_options
def listen_command(once: bool) -> int:
    """Listen to the phone's answers, and carry them out.

    Holds one outgoing connection to the service; nothing of this machine is reached from outside.
    What was done is told back to the phone. Runs until it is ended; `headrace service install
    answers` keeps it running. One process of a project listens at a time.
    """
    from headrace.phone_answers.answers_service import AnswersService, paired_phone
    from headrace.project import connect, load_project

    session = current()
    project = session.project()
    phone = paired_phone(project)

    def load(target: str) -> Project:
        return load_project(project.root, session.profile, target)

    def services(at: Project, target: str) -> Services:
        return connect(at, target, start=True, report=_say)

    listening = AnswersService(project, phone, load, services, connect, _say)
    with listening.exclusive() as alone:
        if not alone:
            note(_ALONE)
            return 0
        try:
            if not once:
                allowed = ", ".join(phone.settings.commands)
                note(f"listening to the phone of {project.name}: {allowed}")
            listening.run(once=once)
        except Stopped as stopped:
            if once:
                raise
            note(f"{describe_interrupt(stopped)[0]}; answers wait at the service for some hours")
    return 0


def _say(line: str) -> None:
    note(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}")
