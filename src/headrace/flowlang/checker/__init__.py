"""Flow checker: static analysis of a flow by abstract interpretation, and rules over its result.

It promises no finding of severity ``error`` on a flow that runs, an answer within seconds for large
flows, and that every code stands in the catalogue.

``check`` runs it; ``analysis`` derives which payloads can reach each state; ``rules`` has the
rules, each a function under ``@rule``; ``report`` has findings, the catalogue and SARIF.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.flowlang.checker.check import check_flow
    from headrace.flowlang.checker.report.catalogue import RULES
    from headrace.flowlang.checker.report.finding import ADVICE, ERROR, SEVERITIES, WARNING, Finding
    from headrace.flowlang.checker.report.locate import Document, read_document
    from headrace.flowlang.checker.report.rule_description import RuleDescription
    from headrace.flowlang.checker.report.sarif import sarif_log
    from headrace.flowlang.checker.rules.registry import (
        FlowRule,
        Rule,
        RuleContext,
        RuleError,
        rule,
    )

__all__ = [
    "ADVICE",
    "ERROR",
    "RULES",
    "SEVERITIES",
    "WARNING",
    "Document",
    "Finding",
    "FlowRule",
    "Rule",
    "RuleContext",
    "RuleDescription",
    "RuleError",
    "check_flow",
    "read_document",
    "rule",
    "sarif_log",
]

__getattr__ = lazy_names(__name__)
