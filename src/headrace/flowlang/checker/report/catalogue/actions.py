"""Rules on actions: wait times and providers."""

from __future__ import annotations

from typing import Final

from headrace.flowlang.checker.report.finding import ERROR, WARNING
from headrace.flowlang.checker.report.rule_description import RuleDescription

ACTION_RULES: Final = (
    RuleDescription(
        "default-wait-time",
        WARNING,
        "An action that can take long has no WaitTime.",
        "After 300 seconds it is cancelled, and the state fails with ActionTimeout. Give the "
        "longest time that the work and its queue may take. Advice where no state of the flow has "
        "one.",
    ),
    RuleDescription(
        "wait-time-too-short",
        WARNING,
        "WaitTime is shorter than the work may take.",
        "Less than the walltime of the jobs, or less than the default of 300 s for what can take "
        "hours: the action is cancelled while its work goes on. WaitTime covers the time in the "
        "queue too.",
    ),
    RuleDescription(
        "wait-time-too-long",
        WARNING,
        "WaitTime is longer than a run can take.",
        "A run ends after a year at the latest. WaitTime is in seconds: milliseconds are hardly "
        "meant, and 86400 is a day.",
    ),
    RuleDescription(
        "wait-of-nothing",
        WARNING,
        "A Wait of less than no time.",
        "The run goes on at once: a loop with such a Wait asks as fast as the service answers.",
    ),
    RuleDescription(
        "deprecated-provider",
        ERROR,
        "The provider's address is out of date.",
        "The old Transfer providers were shut down on 2025-01-22: each action fails. Others have "
        "new addresses, which is advice.",
    ),
    RuleDescription(
        "unknown-provider",
        WARNING,
        "No provider is known at an address that nearly is a known one.",
        "Another path at a host of Globus's, a host that is nearly one of theirs, or an address to "
        "which /run was appended. Of addresses elsewhere nothing is said.",
    ),
    RuleDescription(
        "provider-not-served",
        WARNING,
        "The target has no such provider.",
        "The action cannot be run there. The facility serves the providers that its documentation "
        "lists, and those that headrace.toml names.",
    ),
    RuleDescription(
        "plain-http",
        WARNING,
        "The provider is called without encryption.",
        "The hosted service takes https only; a local one may be called like this.",
    ),
)
