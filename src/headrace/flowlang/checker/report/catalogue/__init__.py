"""Catalogue of the checker's own rules: a description for every code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headrace.flowlang.checker.report.catalogue.actions import ACTION_RULES
from headrace.flowlang.checker.report.catalogue.control_flow import CONTROL_FLOW_RULES
from headrace.flowlang.checker.report.catalogue.definitions import DEFINITION_RULES
from headrace.flowlang.checker.report.catalogue.documents import DOCUMENT_RULES
from headrace.flowlang.checker.report.catalogue.payloads import PAYLOAD_RULES
from headrace.flowlang.checker.report.rule_description import RuleDescription

# In the order of SARIF's rules, whose numbers the results refer to.
RULES: Final[Mapping[str, RuleDescription]] = {
    rule.code: rule
    for rule in (
        *DOCUMENT_RULES,
        *PAYLOAD_RULES,
        *CONTROL_FLOW_RULES,
        *ACTION_RULES,
        *DEFINITION_RULES,
    )
}
