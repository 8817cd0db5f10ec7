"""Rules on documents: JSON text, and what the service refuses."""

from __future__ import annotations

from typing import Final

from headrace.flowlang.checker.report.finding import ERROR
from headrace.flowlang.checker.report.rule_description import RuleDescription

DOCUMENT_RULES: Final = (
    RuleDescription(
        "not-json",
        ERROR,
        "The file is not JSON.",
        "Nothing can read it. The place is where JSON ends to make sense.",
    ),
    RuleDescription(
        "not-readable",
        ERROR,
        "A file of the flow cannot be read.",
        "It is not UTF-8 text, or flow.toml says what it may not. Correct it as the message says.",
    ),
    RuleDescription(
        "duplicate-key",
        ERROR,
        "An object names a member twice.",
        "JSON readers keep one of the two, silently. Remove or rename one.",
    ),
    RuleDescription(
        "invalid-definition",
        ERROR,
        "The service refuses the definition.",
        "The message is the service's own, or says the same. The flow cannot be created.",
    ),
    RuleDescription(
        "invalid-schema",
        ERROR,
        "The input schema is no JSON schema (draft 7).",
        "The service refuses it. Correct it as the message says.",
    ),
    RuleDescription(
        "unreachable-state",
        ERROR,
        "No state leads to the state.",
        "The service refuses such a definition. Lead a Next to it, or remove it.",
    ),
)
