"""``headrace watch``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note
from headrace.cli.termio.signals import Stopped, describe_interrupt, reload_on_hangup

if TYPE_CHECKING:
    from headrace.hosted import Services

_ONCE_SECONDS = 1.0


def _stopped_message(stopped: Stopped, open_runs: int) -> str:
    """Return a line about the runs and arrivals that a stopped watch leaves behind."""
    runs = f"{open_runs} run{'s' if open_runs != 1 else ''} under way go on; " if open_runs else ""
    cause, _ = describe_interrupt(stopped)
    return f"watch: {cause}; {runs}what arrives meanwhile is found at the next start"


@click.command
@click.argument("triggers", metavar="[TRIGGER]...", nargs=-1, shell_complete=completion.triggers)
@click.option(
    "--once", is_flag=True, help="End when everything that is there now has been processed."
)
@click.option(
    "--until-idle",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="End after this time without arrivals and active runs.",
)
@click.option(
    "--existing",
    type=click.Choice(["run", "skip"]),
    help="Start runs on entries that are there already when a directory is first watched, or skip "
    "them. Also needed where the ledger of arrivals was lost.",
)
@project_options
def watch_command(
    triggers: tuple[str, ...], once: bool, until_idle: float | None, existing: str | None
) -> int:
    """Watch directories, and start one run on each new arrival.

    Watches all triggers of the project that no other watch watches by default, and takes over those
    of a watch that ends; shows the progress of the runs. When it is started again it continues
    where it stopped. SIGHUP has it read headrace.toml and the triggers again. With --once or
    --until-idle the exit code is 1 when a run failed, could not be started or was refused.
    """
    from headrace._internal.heartbeat_files import watch_name
    from headrace.cli.parsing.triggers import choose, decide, refuse_wrong
    from headrace.cli.termio.progress import make_board
    from headrace.cli.termio.runs import ending_text
    from headrace.config import at_option
    from headrace.diagnostics.trigger_check import check_triggers
    from headrace.runs.run_document import run_document
    from headrace.triggers import Ledger, TriggerClaims
    from headrace.triggers.project_watch import ProjectWatch
    from headrace.triggers.state_files import ledger_file
    from headrace.triggers.watch_selection import WatchSelection

    session = current()
    project = session.project()
    chosen = choose(project, triggers)
    refuse_wrong(project, session.target, chosen)
    idle = _ONCE_SECONDS if once and until_idle is None else until_idle
    path = ledger_file(project, session.target)
    with (
        TriggerClaims(path) as claims,
        Ledger(path, start_over=existing is not None, shared=True) as ledger,
    ):
        selection = WatchSelection(
            triggers,
            claims,
            session.project,
            lambda project, found: check_triggers(project, session.target, found),
            session.target,
        )
        own = selection.without_hosted(project, chosen)
        for hosted in [one.name for one in chosen if one not in own]:
            note(f"trigger {hosted} is a timer of the hosted service, which starts its runs")
        chosen = decide(selection.take(own), ledger, existing)
        session.services(project, start=True)
        for trigger in chosen:
            if ledger.is_paused(trigger.name):
                resume = f"`headrace trigger resume {trigger.name}{at_option(session.target)}`"
                note(f"trigger {trigger.name} is paused and starts nothing until {resume}")
        with make_board() as board:

            def connect() -> Services:
                return session.services(watching.project, start=True, say=board.say)

            watching = ProjectWatch(
                project,
                session.target,
                chosen,
                board,
                connect,
                ledger,
                selection,
                claims,
                watch_name(triggers),
            )
            reload_on_hangup(watching.request_reload)
            try:
                watching.run(idle)
            except Stopped as stopped:
                if idle is not None:
                    raise  # it was to go on until its work was done
                board.say(_stopped_message(stopped, len(watching.runs.open)))
                return 0
    views = list(watching.runs.ended.values())
    display(
        [run_document(view, watching.project, session.target) for view in views],
        lambda: "\n".join(ending_text(view, watching.project, session.target) for view in views),
        ("run_id", "status"),
    )
    failed = any(view.status != "SUCCEEDED" for view in views)
    return 1 if failed or watching.progress.unfinished else 0
