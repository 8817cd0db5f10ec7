"""The tables ``[start]`` and ``[[steps]]``: the flows that a member goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from headrace._internal.settings import Integer, Key, Place, Table, TableList, Text, table_of
from headrace.campaigns.tables.expressions import ExpressionText
from headrace.campaigns.tables.kinds import TEXT, TEXTS, Counts, OutputPath, TextOrNumber

STEP_NAME: Final = r"[A-Za-z][A-Za-z0-9_]{0,63}"
ONLY_STEP: Final = "run"
"""Name of the step where there is one alone, ``[start]``."""


@dataclass(frozen=True)
class LegsTable:
    """The table ``legs`` of a step: the step is repeated, each leg one run."""

    done: Annotated[
        str | None,
        Key(
            "Where in a run's output stands true once the target is reached.",
            kind=OutputPath(),
            default="after at_most legs",
            example='done = "output.Assess.done"',
        ),
    ] = None
    at_most: Annotated[
        int, Key("Legs after which a member has failed whose target is not reached.", minimum=1)
    ] = 50


@dataclass(frozen=True)
class StepTable:
    """The table ``[start]``, or one of ``[[steps]]``: a flow, and what a run of it gets."""

    flow: Annotated[str, Key("Name of the flow.", kind=TEXT)]
    name: Annotated[
        str,
        Key(
            "Name of the step, unique in the campaign.",
            kind=Text(
                empty=False,
                pattern=STEP_NAME,
                expected="a name of letters, digits and _ that begins with a letter",
            ),
            example='name = "equilibrate"',
        ),
    ] = ONLY_STEP
    pack: Annotated[
        int, Key("Members that one run takes at most.", kind=Integer(1), example="pack = 100")
    ] = 1
    label: Annotated[str, Key("Template of the run's label.", kind=TEXT)] = "{campaign} {key}"
    tags: Annotated[tuple[str, ...], Key("Templates of the run's tags.", kind=TEXTS)] = ()
    input: Annotated[
        Mapping[str, Any],
        Key(
            "Template of the run's input: the columns of the member's row and the placeholders "
            "of campaigns are filled in."
        ),
    ] = field(default_factory=dict)
    member: Annotated[
        Mapping[str, Any],
        Key(
            "Template of one item of the list {members}, which the input then has; needed where "
            "pack is above 1."
        ),
    ] = field(default_factory=dict)
    when: Annotated[
        str,
        Key(
            "Expression without which the step is skipped: of the columns, of leg, and of "
            "`steps.NAME`, the outputs of earlier steps.",
            kind=ExpressionText(),
            default="always",
            example="when = \"charge != '0'\"",
        ),
    ] = ""
    cost: Annotated[
        str,
        Key(
            "Core hours that one member's run is expected to take, or their template: for "
            "`headrace campaign check`, and for limits.core_hours.",
            kind=TextOrNumber(),
            default="not known",
            example='cost = "{hours}"',
        ),
    ] = ""
    disk: Annotated[
        str,
        Key(
            "Disk that one member takes, or its template, GB: for `headrace campaign check`.",
            kind=TextOrNumber(),
            default="not known",
            example="disk = 2.5",
        ),
    ] = ""
    licences: Annotated[
        Mapping[str, int],
        Key(
            "Licences that a run holds, by name.",
            kind=Counts(),
            example="licences = { matlab = 1 }",
        ),
    ] = field(default_factory=dict)
    legs: Annotated[
        LegsTable | None, Key("The step is repeated, each leg one run.", kind=table_of(LegsTable))
    ] = None

    @property
    def takes_list(self) -> bool:
        """True where a run gets a list of members, be it of one, and not one member by itself."""
        return bool(self.member)


def check_step(step: StepTable, place: Place) -> None:
    """Report keys of a step that do not go with each other."""
    if step.pack > 1 and not step.member:
        place.child("pack").refused(
            "needs member, the template of one item of {members}, which the input has"
        )
    if step.pack > 1 and step.legs is not None:
        place.child("legs").refused("goes with pack = 1: members of a pack end together")


def _check_names(steps: Mapping[int, StepTable], place: Place) -> None:
    seen: dict[str, int] = {}
    for number, step in steps.items():
        if "name" not in place.reading.document.values["steps"][number]:
            place.child(number).child("name").missing("a name")
        elif step.name in seen:
            place.child(number).child("name").refused(
                f'"{step.name}" is the name of step {seen[step.name] + 1} already'
            )
        seen.setdefault(step.name, number)


STEP: Final = table_of(StepTable, check=check_step)
START: Final = Table(
    {name: declared for name, declared in STEP.keys.items() if name != "name"},
    lambda values: StepTable(**values),
    check_step,
)
"""The table ``[start]``, which has no name."""

STEPS: Final = TableList(STEP, _check_names)
"""The tables ``[[steps]]``."""
