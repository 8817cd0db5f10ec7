"""The checker: mistakes that a definition's shape does not show, found before a run costs hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.repair import repaired
from headrace.flowlang.checker.analysis.schema_types import inputs
from headrace.flowlang.checker.report.finding import ADVICE, SEVERITIES, Finding, one_line
from headrace.flowlang.checker.report.locate import Places, locate
from headrace.flowlang.checker.rules.action_parameters import parameters
from headrace.flowlang.checker.rules.action_urls import Served
from headrace.flowlang.checker.rules.actions import actions
from headrace.flowlang.checker.rules.choices import choices
from headrace.flowlang.checker.rules.input_schemas import input_schemas
from headrace.flowlang.checker.rules.loops import loops
from headrace.flowlang.checker.rules.overwriting import overwritten
from headrace.flowlang.checker.rules.secrets import secrets
from headrace.flowlang.checker.rules.service_limits import refusals
from headrace.flowlang.checker.rules.similar_names import names
from headrace.flowlang.checker.rules.style import advise
from headrace.flowlang.checker.rules.suffixes import suffixes
from headrace.flowlang.checker.rules.transfer_direction import ends
from headrace.flowlang.checker.rules.types import mismatches
from headrace.flowlang.checker.rules.undefined import Missing
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
    served: Served | None = None,
) -> list[Finding]:
    """Find mistakes in a flow.

    Args:
        definition: the definition, as read from JSON.
        input_schema: JSON schema of the run's input; None or ``{}`` where nothing is known.
        source: text of the definition, for lines and columns.
        schema_source: text of the input schema, likewise.
        walltimes: seconds that the jobs of an endpoint, or a function, may take: by its id, or by
            the path such as ``$.compute.endpoint`` that the definition reads the id from.
        served: says whether the target, where the flow is to run, has a provider at an address.

    Returns:
        Findings in the order of their places; none for a flow without a known mistake.
    """
    try:
        flow = parse_flow(definition)
    except DefinitionError as error:
        findings = list(refusals(error.entries, definition))
        findings += _of_the_rest(definition, input_schema, walltimes or {}, served)
    else:
        findings = list(_all(flow, input_schema, walltimes or {}, served))
    findings = list(dict.fromkeys(findings))
    places = {
        "definition": locate(source) if source is not None else {},
        "input_schema": locate(schema_source) if schema_source is not None else {},
    }
    placed = [_placed(finding, places) for finding in findings]
    return sorted(placed, key=_order)


def _all(
    flow: Flow,
    input_schema: Any,
    walltimes: Mapping[str, float],
    served: Served | None,
    doubtful: frozenset[str] = frozenset(),
) -> Iterator[Finding]:
    ways = inputs(input_schema)
    analysis = DataFlow(flow, ways, doubtful)
    yield from Missing(analysis).findings()
    yield from mismatches(analysis)
    yield from parameters(analysis)
    yield from choices(analysis)
    yield from suffixes(analysis)
    yield from loops(analysis)
    yield from actions(flow, ways, walltimes, served)
    yield from secrets(analysis)
    yield from names(analysis)
    yield from overwritten(flow, ways)
    yield from ends(analysis)
    yield from advise(flow, input_schema)
    yield from input_schemas(input_schema)


def _of_the_rest(
    definition: Any,
    input_schema: Any,
    walltimes: Mapping[str, float],
    served: Served | None,
) -> Iterator[Finding]:
    """Yield what is found in a definition that the service refuses, besides what it refuses."""
    whole = repaired(definition)
    if whole is None:
        yield Finding(
            ADVICE,
            "not-followed",
            ("definition",),
            "what the states read and write was not checked: the definition cannot be followed",
            "correct what the service refuses first, and check again",
        )
        return
    for finding in _all(whole.flow, input_schema, walltimes, served, whole.doubtful):
        touched = (
            finding.loc[0] == "definition"
            and finding.loc[2:3]
            and (finding.loc[2] in whole.doubtful)
        )
        # That nothing reads an input may be due to what was left out.
        if not touched and finding.code not in {"input-not-read", "loop-without-end"}:
            yield finding
    if whole.doubtful:
        shown = ", ".join(map(repr, sorted(whole.doubtful)[:6]))
        yield Finding(
            ADVICE,
            "not-followed",
            ("definition",),
            f"what these states read and write was not checked: {shown}",
            "correct what the service refuses in them, and check again",
        )


def _placed(finding: Finding, places: Mapping[str, Places]) -> Finding:
    known = places[finding.loc[0]]
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
