"""Flow checker: finds mistakes in a flow before a run costs core hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.repair import repair_definition
from headrace.flowlang.checker.analysis.schema_types import input_types
from headrace.flowlang.checker.report.finding import ADVICE, SEVERITIES, Finding, one_line
from headrace.flowlang.checker.report.locate import Positions, locate
from headrace.flowlang.checker.rules.builtin import BUILTIN_RULES
from headrace.flowlang.checker.rules.registry import FlowRule, IsServed, RuleContext, RuleError
from headrace.flowlang.checker.rules.service_limits import refused_definition
from headrace.flowlang.errors import DefinitionError
from headrace.flowlang.model import Flow
from headrace.flowlang.parse import parse_flow
from headrace.flowlang.providers import Provider, ProviderCatalogue


def check_flow(
    definition: Any,
    input_schema: Any = None,
    *,
    source: str | None = None,
    schema_source: str | None = None,
    walltimes: Mapping[str, float] | None = None,
    is_served: IsServed | None = None,
    extra_rules: Iterable[FlowRule] = (),
    added_providers: Iterable[Provider] = (),
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
        extra_rules: rules from outside, which run after the checker's own.
        added_providers: action providers from outside.

    Returns:
        Findings in the order of their places; none for a flow without a known mistake.

    Raises:
        RuleError: a rule from outside failed.
    """
    providers = ProviderCatalogue(added_providers)
    check = _Check(input_schema, walltimes or {}, is_served, tuple(extra_rules), providers)
    try:
        flow = parse_flow(definition)
    except DefinitionError as error:
        findings = list(refused_definition(error.entries, definition))
        findings += check.findings_of_repaired(definition)
    else:
        findings = list(check.findings(flow))
    findings = list(dict.fromkeys(findings))
    positions = {
        "definition": locate(source) if source is not None else {},
        "input_schema": locate(schema_source) if schema_source is not None else {},
    }
    placed = [_with_position(finding, positions) for finding in findings]
    return sorted(placed, key=_order)


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


def _checked(rule: FlowRule, context: RuleContext) -> list[Finding]:
    """Run a rule from outside; its findings must be such that they can be reported."""
    name = ", ".join(rule.codes)
    try:
        findings = list(rule(context))
    except Exception as error:
        raise RuleError(f"the rule {name} failed: {error!r}") from error
    for finding in findings:
        if finding.code not in rule.codes or finding.severity not in SEVERITIES:
            raise RuleError(f"the rule {name} gave {finding.severity} {finding.code!r}")
        if not finding.loc or finding.loc[0] not in ("definition", "input_schema"):
            raise RuleError(f"the rule {name} gave a finding at {finding.loc!r}")
    return findings


def _order(finding: Finding) -> tuple[bool, int, int, int]:
    return (
        finding.loc[0] != "definition",
        finding.line or 0,
        finding.column or 0,
        SEVERITIES.index(finding.severity),
    )


@dataclass(frozen=True)
class _Check:
    input_schema: Any
    walltimes: Mapping[str, float]
    is_served: IsServed | None
    extra_rules: tuple[FlowRule, ...]
    providers: ProviderCatalogue

    def findings(
        self, flow: Flow, unchecked_states: frozenset[str] = frozenset()
    ) -> Iterator[Finding]:
        """Run all rules over a flow."""
        inputs = tuple(input_types(self.input_schema))
        analysis = DataFlow(flow, inputs, self.providers, unchecked_states)
        context = RuleContext(analysis, self.input_schema, inputs, self.walltimes, self.is_served)
        for rule in BUILTIN_RULES:
            yield from rule(context)
        for rule in self.extra_rules:
            yield from _checked(rule, context)

    def findings_of_repaired(self, definition: Any) -> Iterator[Finding]:
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
        for finding in self.findings(repaired.flow, repaired.unchecked_states):
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
