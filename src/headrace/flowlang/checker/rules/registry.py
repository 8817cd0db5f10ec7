"""Rules as functions: the ``@rule`` decorator, and the context that a rule works on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import JsonType
from headrace.flowlang.checker.report.catalogue import RULES
from headrace.flowlang.checker.report.finding import SEVERITIES, Finding
from headrace.flowlang.checker.report.rule_description import RuleDescription
from headrace.flowlang.errors import FlowLanguageError
from headrace.flowlang.model import Flow, State

# Whether the target has a provider at an address.
IsServed = Callable[[str], bool]

P = ParamSpec("P")
AnyState = TypeVar("AnyState", bound=State)


class RuleError(FlowLanguageError):
    """A rule that is declared wrongly, or that failed."""


@dataclass(frozen=True)
class RuleContext:
    """Flow that is checked, with the results of its analysis.

    Attributes:
        analysis: the abstract states of every state of the flow.
        input_schema: JSON schema of the run's input, or None.
        inputs: types of the input; each input has one of them.
        walltimes: seconds that the jobs of an endpoint, or a function, may take: by its id, or by
            the path that the definition reads the id from.
        is_served: says whether the target has a provider at an address; None: no target is known.
    """

    analysis: DataFlow
    input_schema: Any
    inputs: tuple[JsonType, ...]
    walltimes: Mapping[str, float]
    is_served: IsServed | None = None

    @property
    def flow(self) -> Flow:
        """The flow."""
        return self.analysis.flow


@dataclass(frozen=True)
class Rule(Generic[P]):
    """Rule of the checker: a function that yields findings, and the codes that they can have.

    Attributes:
        find: the function.
        descriptions: the codes with their descriptions.
    """

    find: Callable[P, Iterable[Finding]]
    descriptions: tuple[RuleDescription, ...]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Iterable[Finding]:
        """Find mistakes."""
        return self.find(*args, **kwargs)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that its findings can have."""
        return tuple(description.code for description in self.descriptions)


FlowRule = Rule[[RuleContext]]


def rule(
    code: str,
    severity: str,
    *,
    summary: str = "",
    help: str = "",  # noqa: A002 - as in SARIF
) -> Callable[[Callable[P, Iterable[Finding]]], Rule[P]]:
    """Declare a function as a rule; a rule that finds several kinds of mistakes has one per code.

    Args:
        code: the stable name of a kind of finding.
        severity: the gravest that it has: ``error``, ``warning`` or ``advice``.
        summary: what is found, in a line; by default the catalogue's.
        help: why it matters and what to do; likewise.

    Raises:
        RuleError: no such severity, or the code has no description.
    """
    if severity not in SEVERITIES:
        raise RuleError(f"rule {code!r}: no severity {severity!r}; use {', '.join(SEVERITIES)}")
    if summary and help:
        description = RuleDescription(code, severity, summary, help)
    elif code in RULES and RULES[code].severity == severity:
        description = RULES[code]
    else:
        raise RuleError(
            f"rule {code!r} ({severity}) has no description: give summary and help, or add it to "
            "the catalogue"
        )

    def declare(function: Callable[P, Iterable[Finding]]) -> Rule[P]:
        if isinstance(function, Rule):
            return Rule(function.find, (description, *function.descriptions))
        return Rule(function, (description,))

    return declare


def for_each(kind: type[AnyState], *rules: Rule[[RuleContext, AnyState]]) -> FlowRule:
    """Combine rules on one kind of states: each state is checked by all of them in turn."""

    def find(context: RuleContext) -> Iterator[Finding]:
        for state in context.flow.states.values():
            if isinstance(state, kind):
                for each in rules:
                    yield from each(context, state)

    return Rule(find, tuple(one for each in rules for one in each.descriptions))
