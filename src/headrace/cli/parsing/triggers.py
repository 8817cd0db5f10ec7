"""Selection and check of the triggers of a command, and what is there before they watch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

from headrace.cli.termio.prompts import choose as choose_one

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.triggers import Ledger, Trigger, TriggerError


def loaded(project: Project) -> tuple[list[Trigger], dict[str, TriggerError]]:
    """Return the triggers of a project, and by name what is wrong with those without a rule."""
    from headrace.triggers import load_triggers_and_errors

    roots = {name: collection.root for name, collection in project.collections.items()}
    return load_triggers_and_errors(project.triggers_dir, roots)


def choose(project: Project, names: Sequence[str]) -> list[Trigger]:
    """Return the triggers that are named, or all.

    Args:
        project: the project.
        names: names of triggers; all where empty.

    Raises:
        ProjectError: there is none of a name, or none at all.
        TriggerProblems: a trigger's file cannot be read.
    """
    from headrace._internal.near_names import known_names
    from headrace.config import ProjectError

    triggers, errors = loaded(project)
    refuse([str(error) for name, error in errors.items() if not names or name in names])
    known = {trigger.name: trigger for trigger in triggers}
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        what = f"no trigger {unknown[0]!r}" if unknown else "no triggers"
        hint = f"; {known_names(unknown[0], known)}" if unknown else ""
        raise ProjectError(f"{what} in {project.triggers_dir}{hint}")
    return [trigger for name, trigger in known.items() if not names or name in names]


def refuse_wrong(project: Project, target: str, triggers: Sequence[Trigger]) -> None:
    """Refuse triggers whose runs could not be started.

    Raises:
        TriggerError: there is one; with several problems, all lines but this one are written.
    """
    from headrace.diagnostics.trigger_check import check_triggers

    refuse(check_triggers(project, target, triggers))


def refuse(problems: Sequence[str]) -> None:
    """Write problems, a line each, and end the command if there is one.

    Raises:
        TriggerError: there is one.
    """
    from headrace.cli.termio.terminal import one_line, write
    from headrace.triggers import TriggerError

    if len(problems) == 1:
        raise TriggerError(problems[0])
    for problem in problems:
        write(one_line(problem), err=True)
    if problems:
        raise TriggerError(f"{len(problems)} problems of triggers, shown above; nothing is watched")


def decide(triggers: Sequence[Trigger], ledger: Ledger, existing: str | None) -> list[Trigger]:
    """Find out what becomes of what lies in directories that were never watched.

    Args:
        triggers: the triggers.
        ledger: the ledger.
        existing: ``run`` or ``skip`` where the command line says it for all.

    Returns:
        The triggers, with that.

    Raises:
        TriggerError: it is not said, and there is nobody to ask.
    """
    from headrace.triggers import TriggerError, find_existing_entries

    if existing is not None:
        return [_with(trigger, existing) for trigger in triggers]
    looks = find_existing_entries([trigger for trigger in triggers if not trigger.existing], ledger)
    if not looks:
        return list(triggers)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        found = "; ".join(map(str, looks))
        raise TriggerError(
            f"{found}: say `--existing run` to start a run on each, `--existing skip` to start "
            "none, or write existing under [watch] of the trigger; nothing is watched"
        )
    chosen = {look.trigger.name: _ask(str(look)) for look in looks}
    return [_with(trigger, chosen.get(trigger.name, trigger.existing)) for trigger in triggers]


def _ask(question: str) -> str:
    return choose_one([question], ["run", "skip"])


def _with(trigger: Trigger, existing: str) -> Trigger:
    return replace(trigger, existing=cast(Literal["", "run", "skip"], existing))
