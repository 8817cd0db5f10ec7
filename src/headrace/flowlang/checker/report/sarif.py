"""Findings as a SARIF 2.1.0 log, for code hosts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Final

from headrace.flowlang.checker.report.catalogue import RULES
from headrace.flowlang.checker.report.finding import ADVICE, ERROR, WARNING, Finding, one_line
from headrace.flowlang.checker.report.rule_description import RuleDescription

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {ERROR: "error", WARNING: "warning", ADVICE: "note"}


def sarif_log(
    findings: Iterable[tuple[str, Finding]],
    version: str,
    extra_rules: Iterable[RuleDescription] = (),
) -> dict[str, Any]:
    """Return a SARIF log with one run.

    Args:
        findings: each with the URI of its file, relative to the root of the sources.
        version: the checker's version.
        extra_rules: descriptions of rules from outside.
    """
    rules = [*RULES.values(), *extra_rules]
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "headrace",
                        "semanticVersion": version,
                        "rules": [_rule(rule) for rule in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(uri, finding, numbers) for uri, finding in findings],
            }
        ],
    }


def _rule(rule: RuleDescription) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.code.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.help},
        "help": {"text": f"{rule.summary} {rule.help}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(uri: str, finding: Finding, numbers: dict[str, int]) -> dict[str, Any]:
    region = {"startLine": finding.line or 1}
    if finding.column is not None:
        region["startColumn"] = finding.column
    text = f"{finding.message}. To do: {finding.fix}." if finding.fix else f"{finding.message}."
    # The location by name: the same finding keeps its identity when lines move.
    identity = json.dumps([uri, finding.code, *map(str, finding.loc), finding.message])
    return {
        "ruleId": finding.code,
        "ruleIndex": numbers[finding.code],
        "level": _LEVELS[finding.severity],
        "message": {"text": one_line(text)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": uri}, "region": region},
                "logicalLocations": [
                    {"fullyQualifiedName": one_line("/".join(map(str, finding.loc)))}
                ],
            }
        ],
        "partialFingerprints": {"headrace/v1": hashlib.sha256(identity.encode()).hexdigest()[:32]},
    }
