"""The table ``[after]``: flows that the end of a leg, a member, a group or all of it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from headrace._internal.settings import Key, table_of
from headrace.campaigns.tables.expressions import ExpressionText
from headrace.campaigns.tables.kinds import TEXT, TEXTS

GRAFT_LABELS: Final[Mapping[str, str]] = {
    "leg": "{campaign} {key} {step} {leg}",
    "member": "{campaign} {key}",
    "group": "{campaign} {group}",
    "campaign": "{campaign}",
}
"""Templates of labels, by what a graft starts after, where the file gives none."""


@dataclass(frozen=True)
class GraftTable:
    """A table ``[after.leg]`` and so on: a flow that an end starts."""

    flow: Annotated[str, Key("Name of the flow.", kind=TEXT)]
    input: Annotated[
        Mapping[str, Any],
        Key(
            "Template of the run's input: placeholders as for steps; {members_file}, the path of "
            "a table of the members, after a group and the campaign."
        ),
    ] = field(default_factory=dict)
    label: Annotated[
        str,
        Key(
            "Template of the run's label.",
            default="the campaign and what has ended",
        ),
    ] = ""
    tags: Annotated[tuple[str, ...], Key("Templates of the run's tags.", kind=TEXTS)] = ()
    when: Annotated[
        str,
        Key(
            "Expression without which it is not started.",
            kind=ExpressionText(),
            default="always",
            example='when = "leg % 5 == 0"',
        ),
    ] = ""
    after: str = ""


@dataclass(frozen=True)
class AfterTable:
    """The table ``[after]``: flows that ends start, beside what the member does next."""

    leg: Annotated[GraftTable | None, Key("Started after each leg, beside the next one.")] = None
    member: Annotated[GraftTable | None, Key("Started after a member is done.")] = None
    group: Annotated[GraftTable | None, Key("Started after all members of a group have ended.")] = (
        None
    )
    campaign: Annotated[GraftTable | None, Key("Started after all members have ended.")] = None


AFTER: Final = table_of(AfterTable)
