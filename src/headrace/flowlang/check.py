"""The checker: mistakes that a definition's shape does not show, found before a run costs hours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from headrace.flowlang.advice import advise
from headrace.flowlang.dataflow import DataFlow, Lookup
from headrace.flowlang.errors import DefinitionError
from headrace.flowlang.findings import ERROR, WARNING, Finding
from headrace.flowlang.locate import locate
from headrace.flowlang.model import Flow
from headrace.flowlang.parse import parse_flow
from headrace.flowlang.paths import Step
from headrace.flowlang.shapes import Presence, from_schema


def check_flow(
    definition: Any, input_schema: Any = None, *, source: str | None = None
) -> list[Finding]:
    """Finds mistakes in a definition.

    Args:
        definition: the definition, as read from JSON.
        input_schema: JSON schema of the run's input; None or ``{}`` where nothing is known.
        source: text of the definition, for lines and columns.

    Returns:
        Findings in the order of their places; none for a flow without a known mistake.
    """
    try:
        flow = parse_flow(definition)
    except DefinitionError as error:
        findings = [
            Finding(ERROR, _code(e), tuple(e["loc"]), e["msg"], "correct the definition")
            for e in error.entries
        ]
    else:
        findings = [*_data_flow(flow, input_schema), *advise(flow)]
    return _placed(findings, source)


def _code(entry: dict[str, Any]) -> str:
    return "unreachable-state" if "unreachable" in entry["msg"] else "invalid-definition"


def _data_flow(flow: Flow, input_schema: Any) -> Iterator[Finding]:
    analysis = DataFlow(flow, from_schema(input_schema))
    for lookup in analysis.lookups():
        path = _written(lookup.steps)
        if lookup.presence == Presence.CANNOT:
            yield Finding(
                ERROR,
                "path-cannot-exist",
                lookup.loc,
                f"{path} cannot exist: no input and no earlier state produces it",
                _nearest(analysis, lookup),
            )
        elif lookup.presence == Presence.MAY:
            route = " -> ".join(analysis.route_without(lookup.state, lookup.steps))
            yield Finding(
                WARNING,
                "path-may-be-missing",
                lookup.loc,
                f"{path} may be missing on the route {route}",
                "make it required in the input schema, or test it with IsPresent before",
            )


def _nearest(analysis: DataFlow, lookup: Lookup) -> str:
    from difflib import get_close_matches

    known = analysis.known_paths(lookup.state)
    close = get_close_matches(_written(lookup.steps), known, 1)
    if close:
        return f"did you mean {close[0]}?"
    return "correct the path, or write to it in an earlier state"


def _written(steps: tuple[Step, ...]) -> str:
    text = "$"
    for step in steps:
        if isinstance(step, str):
            text += f".{step}" if step.isidentifier() else f"[{step!r}]"
        elif isinstance(step, int):
            text += f"[{step}]"
        else:
            text += "[*]" if step is None else "[:]"
    return text


def _placed(findings: list[Finding], source: str | None) -> list[Finding]:
    if source is None:
        return findings
    places = locate(source)
    placed: list[Finding] = []
    for finding in findings:
        loc = finding.loc[1:]
        while loc and loc not in places:
            loc = loc[:-1]
        line, column = places.get(loc, (None, None))
        placed.append(replace(finding, line=line, column=column))
    return sorted(placed, key=lambda f: (f.line or 0, f.column or 0))
