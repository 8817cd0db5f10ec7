"""Arguments and options that choose runs, the same for every command that takes some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.choices import F, refuse_blank, with_choice

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.runs.selection import Selection

_STATUSES: Final = ("ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED", "ENDED")
_NAMES: Final = (
    *("run_ids", "flow", "status", "tag", "label", "cause", "endpoint"),
    *("since", "until", "unmended", "held", "selection"),
)
_OPTIONS: Final = (
    click.option(
        "--flow", multiple=True, shell_complete=completion.flows, help="Runs of this flow."
    ),
    click.option(
        "--status",
        multiple=True,
        type=click.Choice(_STATUSES, case_sensitive=False),
        help="Runs with this status.",
    ),
    click.option("--tag", multiple=True, help="Runs with this tag; * is any text."),
    click.option(
        "--label",
        multiple=True,
        help="Runs with this text in their label; with *, any text, it is the complete label.",
    ),
    click.option(
        "--cause",
        multiple=True,
        metavar="TEXT",
        help="Runs that failed with this text in the cause; with *, it is the complete cause.",
    ),
    click.option(
        "--endpoint",
        multiple=True,
        shell_complete=completion.endpoints,
        help="Runs that sent tasks to this endpoint.",
    ),
    click.option("--since", metavar="TIME", help="Runs started since 2h, 3d, a date or a time."),
    click.option("--until", metavar="TIME", help="Runs started before this time."),
    click.option(
        "--unmended", is_flag=True, help="Failed runs that no retry has taken up; one for a chain."
    ),
    click.option("--held", is_flag=True, help="Runs that `headrace run hold` keeps from going on."),
    click.option(
        "--selection",
        metavar="NAME",
        shell_complete=completion.selections,
        help="Conditions of [selections.NAME] in headrace.toml.",
    ),
)


def selection_options(function: F) -> F:
    """Add ``RUN...`` and the options that choose runs; the function gets them as one dictionary.

    :func:`selection_of` makes a selection of it.
    """
    argument = click.argument(
        "run_ids", metavar="[RUN]...", nargs=-1, shell_complete=completion.runs
    )
    return with_choice(function, argument, _OPTIONS)


def selection_of(project: Project, chosen: dict[str, Any]) -> Selection:
    """Return the selection that arguments and options make.

    Args:
        project: whose saved selections it may name.
        chosen: what `selection_options` gives.

    Raises:
        UsageError: a value is blank.
        ProjectError: a time is none, or no selection has this name.
    """
    from headrace.runs.points_in_time import point_in_time
    from headrace.runs.saved_selections import saved_selection
    from headrace.runs.selection import Selection

    refuse_blank(chosen, "run_ids", "RUN")
    given = Selection(
        ids=tuple(chosen["run_ids"]),
        flows=tuple(chosen["flow"]),
        statuses=tuple(chosen["status"]),
        tags=tuple(chosen["tag"]),
        labels=tuple(chosen["label"]),
        causes=tuple(chosen["cause"]),
        endpoints=tuple(chosen["endpoint"]),
        since=point_in_time(chosen["since"]) if chosen["since"] else None,
        until=point_in_time(chosen["until"]) if chosen["until"] else None,
        unmended=chosen["unmended"],
        held=chosen["held"],
    )
    if chosen["selection"] is None:
        return given
    return given.restricted(saved_selection(project, chosen["selection"]))


def options_of(chosen: dict[str, Any]) -> str:
    """Return arguments and options that choose runs, as they are typed.

    Causes and statuses are left out: those of a cluster of failures stand in their place.
    """
    from headrace._internal.shell_words import shell_word

    words = list(chosen["run_ids"])
    for name in _NAMES[1:]:
        values = chosen[name] if isinstance(chosen[name], tuple) else (chosen[name],)
        if name in ("cause", "status"):
            continue
        for value in values:
            if value is True:
                words.append(f"--{name}")
            elif value:
                words += [f"--{name}", shell_word(value)]
    return " ".join(words)


def selection_key(chosen: dict[str, Any], **more: Any) -> str:
    """Return arguments and options as one text, the same for the same choice."""
    import json

    return json.dumps({**chosen, **more}, sort_keys=True, default=str)
