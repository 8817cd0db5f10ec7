"""Flow checker: static analysis of a flow by abstract interpretation, and rules over its result."""

from headrace.flowlang.checker.check import check_flow
from headrace.flowlang.checker.report.catalogue import RULES, Rule
from headrace.flowlang.checker.report.finding import ADVICE, ERROR, SEVERITIES, WARNING, Finding
from headrace.flowlang.checker.report.locate import Document, read_document
from headrace.flowlang.checker.report.sarif import sarif_log

__all__ = [
    "ADVICE",
    "ERROR",
    "RULES",
    "SEVERITIES",
    "WARNING",
    "Document",
    "Finding",
    "Rule",
    "check_flow",
    "read_document",
    "sarif_log",
]
