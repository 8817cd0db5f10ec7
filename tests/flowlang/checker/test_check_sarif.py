"""Findings as SARIF 2.1.0 (OASIS), as far as code hosts need it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from headrace.flowlang import check_flow
from headrace.flowlang.checker import RULES, SEVERITIES, sarif_log
from tests.support.flowlang.check_builders import choice, reading, rule, schema
from tests.support.flowlang.flow_builders import action, flow

MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": {"minLength": 1}}}
# What the standard requires of the parts that are written, and what GitHub asks for besides.
REQUIRED: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs", "$schema"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "minItems": 1,
            "items": {
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name", "rules", "semanticVersion"],
                                "properties": {
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {
                                            "required": [
                                                "id",
                                                "name",
                                                "shortDescription",
                                                "fullDescription",
                                                "help",
                                                "defaultConfiguration",
                                            ],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"pattern": "^[a-z-]+$"},
                                                "name": {"pattern": "^[A-Za-z]+$"},
                                                "shortDescription": MESSAGE,
                                                "fullDescription": MESSAGE,
                                                "help": MESSAGE,
                                                "defaultConfiguration": {
                                                    "properties": {
                                                        "level": {
                                                            "enum": ["error", "warning", "note"]
                                                        }
                                                    }
                                                },
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "items": {
                            "required": ["ruleId", "level", "message", "locations"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"enum": list(RULES)},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["error", "warning", "note"]},
                                "message": MESSAGE,
                                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                                "locations": {
                                    "minItems": 1,
                                    "items": {
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation", "region"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "required": ["uri"],
                                                        "properties": {
                                                            "uri": {"pattern": "^[^ \\\\]+$"}
                                                        },
                                                    },
                                                    "region": {
                                                        "required": ["startLine"],
                                                        "properties": {
                                                            "startLine": {"minimum": 1},
                                                            "startColumn": {"minimum": 1},
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}


def log() -> dict[str, Any]:
    definition = flow(
        A=action(ActionUrl="http://localhost/x", Parameters={"x.$": "$.no"}, End=None, Next="Q"),
        Q=choice([rule("$.a", "StringEquals", "x", "B")], "C"),
        B=action(Catch=[{"ErrorEquals": ["ActionTimeOut"], "Next": "C", "ResultPath": "$.e"}]),
        C=reading("$.a"),
    )
    source = json.dumps(definition, indent=1)
    findings = check_flow(definition, schema(["a"], ["b"]), source=source)
    assert {finding.severity for finding in findings} == set(SEVERITIES)
    return sarif_log([("flows/a%20b/definition.json", finding) for finding in findings], "1.2.3")


def test_the_log_has_what_the_standard_requires() -> None:
    found = log()
    Draft7Validator(REQUIRED).validate(found)
    json.dumps(found, allow_nan=False)


def test_results_refer_to_their_rules() -> None:
    (run,) = log()["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    levels = [result["level"] for result in run["results"]]
    assert set(levels) == {"error", "warning", "note"}


def test_a_finding_keeps_its_identity_when_lines_move() -> None:
    definition = flow(A=reading("$.no"))
    prints = []
    for indent in (None, 4):
        source = json.dumps(definition, indent=indent)
        findings = check_flow(definition, schema([]), source=source)
        (result,) = sarif_log([("f.json", f) for f in findings], "1")["runs"][0]["results"]
        prints.append(result["partialFingerprints"])
    assert prints[0] == prints[1]


def test_every_code_has_its_rule_and_its_line_in_the_documentation(repository: Path) -> None:
    text = (repository / "docs" / "checker.md").read_text()
    for code, rule_ in RULES.items():
        assert rule_.code == code
        assert rule_.severity in SEVERITIES
        assert rule_.summary.endswith(".")
        assert rule_.help.endswith(".")
        assert f"| `{code}` | {rule_.severity} |" in text
