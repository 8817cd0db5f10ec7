"""Arguments and options that choose runs, the same for every command that takes some."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from headrace.cli.parsing import completion

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.runs.selection import Selection

F = TypeVar("F", bound=Callable[..., Any])

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

    def call(**values: Any) -> Any:
        given = {name: values.pop(name) for name in _NAMES}
        return function(chosen=given, **values)

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    wrapped: Any = call
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    argument = click.argument(
        "run_ids", metavar="[RUN]...", nargs=-1, shell_complete=completion.runs
    )
    added: F = argument(wrapped)
    return added


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

    _refuse_blank(chosen)
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


def _refuse_blank(chosen: dict[str, Any]) -> None:
    """Refuse blank values, such as those of unset shell variables: they would choose every run."""
    for name in _NAMES:
        values = chosen[name] if isinstance(chosen[name], tuple) else (chosen[name],)
        if any(isinstance(value, str) and not value.strip() for value in values):
            option = "RUN" if name == "run_ids" else f"--{name}"
            raise click.UsageError(
                f"{option}: its value is blank, as that of a variable that is not set: give one, "
                f"or leave {option} out"
            )


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
