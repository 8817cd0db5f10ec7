"""Rules on control flow: choices, catchers, overwritten payloads and loops."""

from __future__ import annotations

from typing import Final

from headrace.flowlang.checker.report.finding import ADVICE, WARNING
from headrace.flowlang.checker.report.rule_description import RuleDescription

CONTROL_FLOW_RULES: Final = (
    RuleDescription(
        "choice-never",
        WARNING,
        "A rule of a Choice, or one within And, Or and Not, can never hold.",
        "An earlier rule takes all that it would, or the value cannot be what it asks for. States "
        "that only it leads to are never entered.",
    ),
    RuleDescription(
        "choice-always",
        WARNING,
        "A rule of a Choice always holds.",
        "What comes after it, other rules and Default, is never used. Of a Default after rules "
        "that take all values that the schema admits nothing is said.",
    ),
    RuleDescription(
        "failure-unnoticed",
        WARNING,
        "Work that FAILED passes for work that succeeded.",
        "ExceptionOnActionFailure is false, no state reads the result's status, and the flow goes "
        "on to other actions. Let the failure be raised, or test the status.",
    ),
    RuleDescription(
        "choice-of-two-types",
        WARNING,
        "A Choice compares one value as a text and as a number.",
        "One of the two can never hold. Of a value whose type is known, choice-never says which.",
    ),
    RuleDescription(
        "pattern-not-matched",
        WARNING,
        "A Choice compares with a pattern as if it were a text.",
        "StringEquals takes a star for itself; StringMatches takes it for any text.",
    ),
    RuleDescription(
        "choice-without-default",
        WARNING,
        "A Choice has no Default, and no rule need hold.",
        "A run for which no rule holds fails with an error that names no reason of yours. Add a "
        "Default, to a Fail state if it must not happen.",
    ),
    RuleDescription(
        "payload-lost",
        WARNING,
        "An Action without ResultPath replaces the payload, and something lost is read later.",
        "ResultPath is $ by default: the whole payload becomes the result. Add a ResultPath.",
    ),
    RuleDescription(
        "input-overwritten",
        WARNING,
        "An Action's result takes the place of an object of the input, and is not read.",
        "What the run was started with is lost, for a result that nobody asked for by this name.",
    ),
    RuleDescription(
        "catch-loses-payload",
        WARNING,
        "A Catch without ResultPath replaces the payload, and something lost is read later.",
        "The failure takes the place of the whole payload. Add a ResultPath to the catcher.",
    ),
    RuleDescription(
        "unreachable-catcher",
        WARNING,
        "A catcher, or a name in it, is never used.",
        "Catchers are tried in order; an earlier one takes the same failure, or it is never "
        "raised. Put States.ALL last.",
    ),
    RuleDescription(
        "absence-not-caught",
        WARNING,
        "A Catch on stat by which a flow means to learn that a path is not there.",
        "stat of such a path succeeds, with details.code NotFound and without details.type: no "
        "catcher is used. Test details.code with a Choice.",
    ),
    RuleDescription(
        "unknown-error-name",
        WARNING,
        "ErrorEquals has a name that is not that of a failure.",
        "A misspelt name, or one of another language, catches nothing. What the work of an action "
        "raises comes as ActionFailedException, whatever its name is there.",
    ),
    RuleDescription(
        "loop-without-end",
        WARNING,
        "A loop that no way leads out of.",
        "A run in it goes on until it is cancelled or a year is over, if nothing fails.",
    ),
    RuleDescription(
        "poll-without-wait",
        WARNING,
        "A loop asks the same again and again without waiting.",
        "Nothing that the action is asked changes between two turns. Without a Wait that is as "
        "fast as the service answers. Put a Wait into the loop.",
    ),
    RuleDescription(
        "poll-constant-wait",
        ADVICE,
        "A loop asks the same again after a short wait that does not grow.",
        "Less than a minute, for as long as it takes: thousands of actions. Let an ExpressionEval "
        "double a number up to some minutes, and wait for it with SecondsPath.",
    ),
)
