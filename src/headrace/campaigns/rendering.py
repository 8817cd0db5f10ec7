"""Placeholders of campaigns: a member's row and attempt put into the input of a run.

Templates follow the rules of triggers (`headrace.triggers.template`). Beside the columns of the
row there are placeholders of the member, of its attempt and of its lane. A value of a row stays
what it is (a number, a list) where its placeholder is a text of its own. A column that is empty in
a row has no value: a template that needs it is refused, in words that name the column.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.campaigns.campaign import Campaign, Lane
from headrace.campaigns.errors import CampaignError, MemberRefused
from headrace.triggers.errors import StartRefused, TriggerError
from headrace.triggers.output_values import OutputValue
from headrace.triggers.template import AbsentValue, JsonValue, Texts, render_texts

MEMBER_PLACEHOLDERS: Final = ("campaign", "key", "group", "category")
ATTEMPT_PLACEHOLDERS: Final = (
    "step",
    "leg",
    "attempt",
    "lane",
    "endpoint",
    "lane_collection",
    "attempt_directory",
    "previous_directory",
)
PREFIXES: Final = ("lane.", "grow.")
"""Beginnings of placeholders whose ends the campaign file names."""

MEMBERS: Final = "members"
MEMBERS_FILE: Final = "members_file"
SOURCE_PLACEHOLDERS: Final = ("source_collection", "source_path")
"""Columns of members that are directories."""

_EMPTY: Final = "is empty in this row"


@dataclass(frozen=True)
class Attempt:
    """Attempt at a leg, for its placeholders.

    Attributes:
        step: name of the step.
        lane: where it shall run; None where that is not decided, as after a member's end.
        leg: number of the leg, from 1.
        attempt: number of the attempt at this leg, from 1.
        previous_directory: directory of the member's last accepted attempt; "" at first.
        grow: factors by which resources have grown, by name; 1 for those that are not there.
    """

    step: str
    lane: Lane | None = None
    leg: int = 1
    attempt: int = 1
    previous_directory: str = ""
    grow: Mapping[str, float] = field(default_factory=dict)


def attempt_directory(key: str, step: str, leg: int, attempt: int) -> str:
    """Return the directory of an attempt's outputs, which no other attempt has.

    Args:
        key: the member's.
        step: name of the step.
        leg: number of the leg, from 1.
        attempt: number of the attempt at this leg, from 1.
    """
    return f"{key}/{step}-{leg:03d}.{attempt}"


def row_placeholders(row: Mapping[str, Any]) -> dict[str, Texts]:
    """Return what the columns of a row stand for.

    Args:
        row: JSON values by column; None: the column is empty in this row.
    """
    return {name: value if isinstance(value, str) else _value(value) for name, value in row.items()}


def member_placeholders(
    campaign: str, key: str, row: Mapping[str, Any], group: str = "", category: str = ""
) -> dict[str, Texts]:
    """Return what a template may say of a member.

    Args:
        campaign: name of the campaign.
        key: the member's key.
        row: JSON values by column; None: the column is empty in this row.
        group: the member's group.
        category: the member's category.
    """
    found = row_placeholders(row)
    found |= {"campaign": campaign, "key": key, "group": group, "category": category}
    return found


def attempt_placeholders(campaign: Campaign, attempt: Attempt, key: str = "") -> dict[str, Texts]:
    """Return what a template may say of an attempt and its lane.

    Args:
        campaign: the campaign.
        attempt: the attempt.
        key: the member's key; "" of a run that takes several members.
    """
    lane = attempt.lane
    found: dict[str, Texts] = {
        "campaign": campaign.name,
        "step": attempt.step,
        "leg": JsonValue(attempt.leg),
        "attempt": JsonValue(attempt.attempt),
        "lane": lane.name if lane else "",
        "endpoint": _named(lane.endpoint if lane else "", "has no endpoint in this lane"),
        "lane_collection": _named(
            lane.collection if lane else "", "has no collection in this lane"
        ),
        "attempt_directory": attempt_directory(key, attempt.step, attempt.leg, attempt.attempt),
        "previous_directory": attempt.previous_directory,
    }
    values = lane.values if lane else {}
    for name in {name for each in campaign.lanes for name in each.values}:
        found[f"lane.{name}"] = (
            JsonValue(values[name]) if name in values else AbsentValue("is not in this lane")
        )
    for name in campaign.retries.grow:
        found[f"grow.{name}"] = JsonValue(attempt.grow.get(name, 1.0))
    return found


def render(
    template: Any, texts: Mapping[str, Texts], where: str = "", *, typed: bool = True
) -> Any:
    """Fill in a template.

    Args:
        template: a JSON value; every text in it, at any depth, is a template.
        texts: what each placeholder stands for.
        where: how to call the template in errors, such as "start.input".
        typed: whether a text may become another value.

    Returns:
        a new JSON value.

    Raises:
        MemberRefused: a value is absent, or not what the template asks for.
        CampaignError: an unknown placeholder, a lone brace, or a value that is not JSON.
    """
    try:
        return render_texts(template, texts, where, typed=typed)
    except StartRefused as error:
        raise MemberRefused(str(error)) from error
    except TriggerError as error:
        raise CampaignError(str(error)) from error


def render_text(template: str, texts: Mapping[str, Texts], where: str = "") -> str:
    """Fill in the template of a text, such as a label.

    Raises:
        MemberRefused: as `render`.
        CampaignError: as `render`.
    """
    return str(render(template, texts, where, typed=False))


def render_number(template: str, texts: Mapping[str, Texts], where: str = "") -> float:
    """Fill in the template of a number, such as a priority.

    Raises:
        MemberRefused: as `render`; or what comes of it is no finite number.
        CampaignError: as `render`.
    """
    return number_of(render_text(template, texts, where), where)


def number_of(text: str, where: str) -> float:
    """Return the number that a text is.

    Args:
        text: the text; spaces at its ends do not count.
        where: what messages call it, such as ``members.priority``.

    Raises:
        MemberRefused: it is no finite number.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    # Python takes more for numbers than people do: "1_0", "nan".
    if math.isfinite(number) and "_" not in text:
        return number
    raise MemberRefused(f"{where}: {text.strip()!r} is not a number")


def condition_holds(
    expression: str,
    row: Mapping[str, Any],
    leg: int = 1,
    outputs: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
) -> bool:
    """Evaluate the condition ``when`` of a step or a graft.

    Args:
        expression: the expression; "": it holds.
        row: the member's row; columns are names of the expression.
        leg: number of the leg, ``leg``.
        outputs: outputs of earlier steps by name, ``steps``.
        output: the output of the run that has ended, ``output``.

    Raises:
        MemberRefused: it cannot be evaluated.
    """
    from headrace.flowlang.errors import ExpressionError
    from headrace.flowlang.expressions import compile_expression

    if not expression:
        return True
    names = {**row, "leg": leg, "steps": dict(outputs or {}), "output": dict(output or {})}
    try:
        return bool(compile_expression(expression).evaluate(names))
    except ExpressionError as error:
        raise MemberRefused(f"when: {error}") from error


def value_at(output: Any, path: str) -> Any:
    """Return the value at a path of a run's output; None where there is none.

    Args:
        output: the output, JSON.
        path: as ``[results]`` has it, such as ``output.Run.facts``.
    """
    import json

    try:
        return OutputValue(json.dumps(output)).at(path)
    except StartRefused:
        return None


def _value(value: Any) -> Texts:
    return AbsentValue(_EMPTY) if value is None else JsonValue(value)


def _named(name: str, problem: str) -> Texts:
    return name or AbsentValue(problem)
