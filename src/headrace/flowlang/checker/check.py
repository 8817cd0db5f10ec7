"""Flow checker: finds mistakes in a flow before a run costs core hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.repair import repair_definition
from headrace.flowlang.checker.analysis.schema_types import input_types
from headrace.flowlang.checker.report.finding import ADVICE, SEVERITIES, Finding, one_line
from headrace.flowlang.checker.report.locate import Positions, locate
from headrace.flowlang.checker.rules.action_parameters import parameters
from headrace.flowlang.checker.rules.action_urls import IsServed
from headrace.flowlang.checker.rules.actions import actions
from headrace.flowlang.checker.rules.choices import choices
from headrace.flowlang.checker.rules.input_schemas import input_schemas
from headrace.flowlang.checker.rules.loops import loops
from headrace.flowlang.checker.rules.overwriting import overwritten_inputs
from headrace.flowlang.checker.rules.secrets import secrets
from headrace.flowlang.checker.rules.service_limits import refused_definition
from headrace.flowlang.checker.rules.similar_names import similar_names
from headrace.flowlang.checker.rules.style import style
from headrace.flowlang.checker.rules.suffixes import suffixes
from headrace.flowlang.checker.rules.transfer_direction import transfer_direction
from headrace.flowlang.checker.rules.types import type_mismatches
from headrace.flowlang.checker.rules.undefined import UndefinedPaths
from headrace.flowlang.errors import DefinitionError
from headrace.flowlang.model import Flow
from headrace.flowlang.parse import parse_flow


def check_flow(
    definition: Any,
    input_schema: Any = None,
    *,
    source: str | None = None,
    schema_source: str | None = None,
    walltimes: Mapping[str, float] | None = None,
    is_served: IsServed | None = None,
) -> list[Finding]:
    """Find mistakes in a flow.

    Args:
        definition: the definition, as read from JSON.
        input_schema: JSON schema of the run's input; None or ``{}`` where nothing is known.
        source: text of the definition, for lines and columns.
        schema_source: text of the input schema, likewise.
        walltimes: seconds that the jobs of an endpoint, or a function, may take: by its id, or by
            the path such as ``$.compute.endpoint`` that the definition reads the id from.
        is_served: says whether the target, where the flow is to run, has a provider at an address.

    Returns:
        Findings in the order of their places; none for a flow without a known mistake.
    """
    try:
        flow = parse_flow(definition)
    except DefinitionError as error:
        findings = list(refused_definition(error.entries, definition))
        findings += _findings_of_repaired(definition, input_schema, walltimes or {}, is_served)
    else:
        findings = list(_run_rules(flow, input_schema, walltimes or {}, is_served))
    findings = list(dict.fromkeys(findings))
    positions = {
        "definition": locate(source) if source is not None else {},
        "input_schema": locate(schema_source) if schema_source is not None else {},
    }
    placed = [_with_position(finding, positions) for finding in findings]
    return sorted(placed, key=_order)


def _run_rules(
    flow: Flow,
    input_schema: Any,
    walltimes: Mapping[str, float],
    is_served: IsServed | None,
    unchecked_states: frozenset[str] = frozenset(),
) -> Iterator[Finding]:
    types = input_types(input_schema)
    analysis = DataFlow(flow, types, unchecked_states)
    yield from UndefinedPaths(analysis).findings()
    yield from type_mismatches(analysis)
    yield from parameters(analysis)
    yield from choices(analysis)
    yield from suffixes(analysis)
    yield from loops(analysis)
    yield from actions(flow, types, walltimes, is_served)
    yield from secrets(analysis)
    yield from similar_names(analysis)
    yield from overwritten_inputs(flow, types)
    yield from transfer_direction(analysis)
    yield from style(flow, input_schema)
    yield from input_schemas(input_schema)


def _findings_of_repaired(
    definition: Any,
    input_schema: Any,
    walltimes: Mapping[str, float],
    is_served: IsServed | None,
) -> Iterator[Finding]:
    """Yield what is found in a definition that the service refuses, besides what it refuses."""
    repaired = repair_definition(definition)
    if repaired is None:
        yield Finding(
            ADVICE,
            "not-followed",
            ("definition",),
            "what the states read and write was not checked: the definition cannot be followed",
            "correct what the service refuses first, and check again",
        )
        return
    for finding in _run_rules(
        repaired.flow, input_schema, walltimes, is_served, repaired.unchecked_states
    ):
        touched = (
            finding.loc[0] == "definition"
            and finding.loc[2:3]
            and (finding.loc[2] in repaired.unchecked_states)
        )
        # That nothing reads an input may be due to what was left out.
        if not touched and finding.code not in {"input-not-read", "loop-without-end"}:
            yield finding
    if repaired.unchecked_states:
        shown = ", ".join(map(repr, sorted(repaired.unchecked_states)[:6]))
        yield Finding(
            ADVICE,
            "not-followed",
            ("definition",),
            f"what these states read and write was not checked: {shown}",
            "correct what the service refuses in them, and check again",
        )


def _with_position(finding: Finding, positions: Mapping[str, Positions]) -> Finding:
    known = positions[finding.loc[0]]
    loc = finding.loc[1:]
    while loc and loc not in known:
        loc = loc[:-1]
    line, column = known.get(loc, (None, None))
    return replace(
        finding,
        message=one_line(finding.message),
        fix=one_line(finding.fix),
        line=line,
        column=column,
    )


def _order(finding: Finding) -> tuple[bool, int, int, int]:
    return (
        finding.loc[0] != "definition",
        finding.line or 0,
        finding.column or 0,
        SEVERITIES.index(finding.severity),
    )
