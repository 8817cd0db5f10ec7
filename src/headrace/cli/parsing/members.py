"""Arguments and options that choose members of a campaign, the same for every command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.choices import F, refuse_blank, with_choice

if TYPE_CHECKING:
    from headrace.campaigns.campaign_access import OpenCampaign
    from headrace.campaigns.ledger.selection import MemberSelection

_STATES: Final = (
    *("waiting", "ready", "starting", "running", "done"),
    *("failed", "held", "asking", "dropped", "shared"),
)
_NAMES: Final = ("keys", "state", "group", "lane", "step", "cause", "where")
_OPTIONS: Final = (
    click.option(
        "--state",
        multiple=True,
        type=click.Choice(_STATES, case_sensitive=False),
        metavar="STATE",
        help=f"Members in this state: {', '.join(_STATES)}.",
    ),
    click.option("--group", multiple=True, help="Members of this group; * is any text."),
    click.option("--lane", multiple=True, help="Members that are, or were last, in this lane."),
    click.option("--step", multiple=True, help="Members that are at this step."),
    click.option(
        "--cause",
        multiple=True,
        metavar="TEXT",
        help="Members with this text in their cause; with *, it is the complete cause.",
    ),
    click.option(
        "--where",
        multiple=True,
        metavar="EXPR",
        help="Members of which this holds, such as 'rms > 2': columns, facts, and what list shows.",
    ),
)


def member_options(function: F) -> F:
    """Add ``MEMBER...`` and the options that choose members, as one dictionary ``chosen``."""
    argument = click.argument(
        "keys", metavar="[MEMBER]...", nargs=-1, shell_complete=completion.members
    )
    return with_choice(function, argument, _OPTIONS)


def selection_of(chosen: dict[str, Any]) -> MemberSelection:
    """Return the selection that arguments and options make.

    Raises:
        UsageError: a value is blank.
        SelectionError: a condition cannot be understood.
    """
    from headrace.campaigns.ledger.selection import MemberSelection

    refuse_blank(chosen, "keys", "MEMBER")
    return MemberSelection(
        keys=tuple(chosen["keys"]),
        states=tuple(chosen["state"]),
        groups=tuple(chosen["group"]),
        lanes=tuple(chosen["lane"]),
        steps=tuple(chosen["step"]),
        causes=tuple(chosen["cause"]),
        where=tuple(chosen["where"]),
    )


def is_empty(chosen: dict[str, Any]) -> bool:
    """Return whether no member and no condition is given."""
    return not any(chosen[name] for name in _NAMES)


def ids_of(campaign: OpenCampaign, chosen: dict[str, Any]) -> list[int] | None:
    """Return the numbers of the members that were chosen; None for all.

    Raises:
        UsageError: a value is blank.
        SelectionError: a condition cannot be understood, or a key is unknown.
    """
    if is_empty(chosen):
        return None
    return selection_of(chosen).ids(campaign.database, campaign.id)


def options_of(chosen: dict[str, Any]) -> str:
    """Return arguments and options as they are typed; causes and states are left out."""
    from headrace._internal.shell_words import shell_word

    words = [shell_word(key) for key in chosen["keys"]]
    for name in _NAMES[1:]:
        if name not in ("cause", "state"):
            words += [part for value in chosen[name] for part in (f"--{name}", shell_word(value))]
    return " ".join(words)
