"""Every kind of finding, with what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headrace.flowlang.checker.report.finding import ADVICE, ERROR, WARNING


@dataclass(frozen=True)
class Rule:
    """A kind of finding.

    Attributes:
        code: its stable name.
        severity: the gravest that it has.
        summary: what is found, in a line.
        help: why it matters and what to do.
    """

    code: str
    severity: str
    summary: str
    help: str


def _rules(*rows: tuple[str, str, str, str]) -> dict[str, Rule]:
    return {row[0]: Rule(*row) for row in rows}


RULES: Final = _rules(
    (
        "not-json",
        ERROR,
        "The file is not JSON.",
        "Nothing can read it. The place is where JSON ends to make sense.",
    ),
    (
        "not-readable",
        ERROR,
        "A file of the flow cannot be read.",
        "It is not UTF-8 text, or flow.toml says what it may not. Correct it as the message says.",
    ),
    (
        "duplicate-key",
        ERROR,
        "An object names a member twice.",
        "JSON readers keep one of the two, silently. Remove or rename one.",
    ),
    (
        "invalid-definition",
        ERROR,
        "The service refuses the definition.",
        "The message is the service's own, or says the same. The flow cannot be created.",
    ),
    (
        "invalid-schema",
        ERROR,
        "The input schema is no JSON schema (draft 7).",
        "The service refuses it. Correct it as the message says.",
    ),
    (
        "unreachable-state",
        ERROR,
        "No state leads to the state.",
        "The service refuses such a definition. Lead a Next to it, or remove it.",
    ),
    (
        "path-cannot-exist",
        ERROR,
        "What is read cannot be there.",
        "No input that the schema admits and no earlier state on any route produces it: every run "
        "that comes here fails with States.Runtime.",
    ),
    (
        "path-may-be-missing",
        WARNING,
        "What is read is missing on some route or in some input.",
        "A run fails with States.Runtime on the route that the message names. Require it in the "
        "input schema, give it a value on that route, or test it with IsPresent first. Advice "
        "where stat's answer is read of a path that a transfer takes anyway.",
    ),
    (
        "undeclared-input",
        WARNING,
        "An input is read that the schema does not declare.",
        "The schema lists members and not this one, yet admits others: an input without it is "
        "accepted, and the run fails here. Declare it and require it.",
    ),
    (
        "type-mismatch",
        ERROR,
        "A value cannot be of the type that is needed.",
        "Whatever the run, this fails: for example a number added to a string, or SecondsPath that "
        "leads to text. A warning where it stands in a branch or a loop that need not be reached.",
    ),
    (
        "missing-parameter",
        ERROR,
        "A parameter that the provider requires is missing.",
        "The provider refuses the action: the state fails with ActionUnableToRun. A warning where "
        "it is missing in some inputs or on some routes alone.",
    ),
    (
        "unknown-parameter",
        ERROR,
        "A parameter that the provider does not know.",
        "The provider refuses it, or leaves it out of account. A warning where its documentation "
        "does not say that it refuses what it does not know.",
    ),
    (
        "invalid-parameter",
        ERROR,
        "A parameter cannot be what the provider takes.",
        "It is of another type, or none of the values that the provider admits. A warning where an "
        "id stands in place of a path, or the reverse.",
    ),
    (
        "suffix-forgotten",
        WARNING,
        "A text looks like a path or an expression, and is sent as it stands.",
        "Only members whose name ends with .$ or .= are evaluated, and only ErrorPath, CausePath "
        "and operators that end with Path take a path.",
    ),
    (
        "braces-not-filled",
        WARNING,
        "A text in an expression has the name of a member in braces.",
        "Braces are filled in an f-string alone. Put an f before the quote, "
        "or texts together with +.",
    ),
    (
        "suffix-without-effect",
        WARNING,
        "A name with .$ or .= stands in a Result.",
        "A Result is a constant: nothing in it is evaluated. Use Parameters.",
    ),
    (
        "mixed-ends",
        WARNING,
        "A transfer takes the collection of one end and the path of the other.",
        "By their names the two belong to different places; or source and destination are the "
        "same. Take collection and path from the same place.",
    ),
    (
        "near-miss-name",
        WARNING,
        "A name is nearly that of another, and is given or documented nowhere.",
        "A member that the provider does not document, beside one that it does; a result that is "
        "never read, beside one that is; a member that nothing gives, beside one that is given.",
    ),
    (
        "undocumented-member",
        WARNING,
        "A member of a provider's answer is read that its documentation does not have.",
        "Every run that comes here fails, if the provider gives nothing of this name. Read one of "
        "the members that it documents, or test with IsPresent whether it is there.",
    ),
    (
        "choice-never",
        WARNING,
        "A rule of a Choice, or one within And, Or and Not, can never hold.",
        "An earlier rule takes all that it would, or the value cannot be what it asks for. States "
        "that only it leads to are never entered.",
    ),
    (
        "choice-always",
        WARNING,
        "A rule of a Choice always holds.",
        "What comes after it, other rules and Default, is never used. Of a Default after rules "
        "that take all values that the schema admits nothing is said.",
    ),
    (
        "failure-unnoticed",
        WARNING,
        "Work that FAILED passes for work that succeeded.",
        "ExceptionOnActionFailure is false, no state reads the result's status, and the flow goes "
        "on to other actions. Let the failure be raised, or test the status.",
    ),
    (
        "choice-of-two-types",
        WARNING,
        "A Choice compares one value as a text and as a number.",
        "One of the two can never hold. Of a value whose type is known, choice-never tells which.",
    ),
    (
        "pattern-not-matched",
        WARNING,
        "A Choice compares with a pattern as if it were a text.",
        "StringEquals takes a star for itself; StringMatches takes it for any text.",
    ),
    (
        "choice-without-default",
        WARNING,
        "A Choice has no Default, and no rule need hold.",
        "A run for which no rule holds fails with an error that names no reason of yours. Add a "
        "Default, to a Fail state if it must not happen.",
    ),
    (
        "payload-lost",
        WARNING,
        "An Action without ResultPath replaces the payload, and something lost is read later.",
        "ResultPath is $ by default: the whole payload becomes the result. Add a ResultPath.",
    ),
    (
        "input-overwritten",
        WARNING,
        "An Action's result takes the place of an object of the input, and is not read.",
        "What the run was started with is lost, for a result that nobody asked for by this name.",
    ),
    (
        "catch-loses-payload",
        WARNING,
        "A Catch without ResultPath replaces the payload, and something lost is read later.",
        "The failure takes the place of the whole payload. Add a ResultPath to the catcher.",
    ),
    (
        "unreachable-catcher",
        WARNING,
        "A catcher, or a name in it, is never used.",
        "Catchers are tried in order; an earlier one takes the same failure, or it is never "
        "raised. Put States.ALL last.",
    ),
    (
        "absence-not-caught",
        WARNING,
        "A Catch on stat by which a flow means to learn that a path is not there.",
        "stat of such a path succeeds, with details.code NotFound and without details.type: no "
        "catcher is used. Test details.code with a Choice.",
    ),
    (
        "unknown-error-name",
        WARNING,
        "ErrorEquals has a name that is not that of a failure.",
        "A misspelt name, or one of another language, catches nothing. What the work of an action "
        "raises comes as ActionFailedException, whatever its name is there.",
    ),
    (
        "loop-without-end",
        WARNING,
        "A loop that no way leads out of.",
        "A run in it goes on until it is cancelled or a year is over, if nothing fails.",
    ),
    (
        "poll-without-wait",
        WARNING,
        "A loop asks the same again and again without waiting.",
        "Nothing that the action is asked changes between two turns. Without a Wait that is as "
        "fast as the service answers. Put a Wait into the loop.",
    ),
    (
        "poll-constant-wait",
        ADVICE,
        "A loop asks the same again after a short wait that does not grow.",
        "Less than a minute, for as long as it takes: thousands of actions. Let an ExpressionEval "
        "double a number up to some minutes, and wait for it with SecondsPath.",
    ),
    (
        "default-wait-time",
        WARNING,
        "An action that can take long has no WaitTime.",
        "After 300 seconds it is cancelled, and the state fails with ActionTimeout. Give the "
        "longest time that the work and its queue may take. Advice where no state of the flow has "
        "one.",
    ),
    (
        "wait-time-too-short",
        WARNING,
        "WaitTime is shorter than the work may take.",
        "Less than the walltime of the jobs, or less than the default of 300 s for what can take "
        "hours: the action is cancelled while its work goes on. WaitTime covers the time in the "
        "queue too.",
    ),
    (
        "wait-time-too-long",
        WARNING,
        "WaitTime is longer than a run can take.",
        "A run ends after a year at the latest. WaitTime is in seconds: milliseconds are hardly "
        "meant, and 86400 is a day.",
    ),
    (
        "wait-of-nothing",
        WARNING,
        "A Wait of less than no time.",
        "The run goes on at once: a loop with such a Wait asks as fast as the service answers.",
    ),
    (
        "deprecated-provider",
        ERROR,
        "The provider's address is out of date.",
        "The old Transfer providers were shut down on 2025-01-22: each action fails. Others have "
        "new addresses, which is advice.",
    ),
    (
        "unknown-provider",
        WARNING,
        "No provider is known at an address that nearly is a known one.",
        "Another path at a host of Globus's, a host that is nearly one of theirs, or an address to "
        "which /run was appended. Of addresses elsewhere nothing is said.",
    ),
    (
        "provider-not-served",
        WARNING,
        "The target has no such provider.",
        "The action cannot be run there. The facility serves the providers that its documentation "
        "lists, and those that headrace.toml names.",
    ),
    (
        "plain-http",
        WARNING,
        "The provider is called without encryption.",
        "The hosted service takes https only; a local one may be called like this.",
    ),
    (
        "bare-root-path",
        WARNING,
        "A bare path $.",
        "The service's older rules refuse it, though $ is its default.",
    ),
    (
        "dict-method-name",
        WARNING,
        "A dotted name in an expression is a method of objects.",
        "o.items is the method, not the member. Write o['items'].",
    ),
    (
        "undocumented-context",
        WARNING,
        "A member of $._context is read that is not documented.",
        "Documented are flow_id, run_id, username, email, user_id, identities and token_info.",
    ),
    (
        "input-not-read",
        WARNING,
        "The input schema declares what no state reads.",
        "Who starts the flow fills it in for nothing; or a state reads another name by mistake.",
    ),
    (
        "misplaced-keyword",
        WARNING,
        "A keyword of JSON schema stands among the properties.",
        "There it is the name of a property, and forbids nothing else. Move it one level out.",
    ),
    (
        "unsatisfiable-schema",
        ERROR,
        "The input schema, or a part of it, accepts nothing.",
        "Its parts contradict one another: bounds, values and types, or a required name that is no "
        "property where no others are accepted. Every run is refused at its start. A warning where "
        "an input can do without the part.",
    ),
    (
        "example-not-accepted",
        WARNING,
        "The input schema does not accept its own default or example.",
        "Who starts the flow with what the schema shows is refused. Correct the value or the "
        "schema.",
    ),
    (
        "unknown-keyword",
        WARNING,
        "A name in the input schema is nearly that of a keyword or a format of JSON schema.",
        "Validators leave out what they do not know: nothing is checked by it.",
    ),
    (
        "keyword-without-effect",
        WARNING,
        "A keyword of the input schema says nothing of values of the type beside it.",
        "A length of a number, or items of an object: the type or the keyword is meant otherwise.",
    ),
    (
        "field-without-effect",
        WARNING,
        "A Pass has more than one of Result, Parameters and InputPath.",
        "The first of them that it has is what it gives; the others have no effect.",
    ),
    (
        "private-parameter-missing",
        WARNING,
        "__Private_Parameters names no parameter beside it.",
        "Nothing is hidden by it. Correct the name.",
    ),
    (
        "secret-in-definition",
        WARNING,
        "A secret stands in the definition.",
        "Everyone who may see the flow can read it. Take it from the input or from the place that "
        "does the work.",
    ),
    (
        "secret-in-log",
        WARNING,
        "A secret is shown in the run's log.",
        "List the parameter in __Private_Parameters, and take it from a member of the input whose "
        "name begins with _private.",
    ),
    (
        "run-as-misspelt",
        WARNING,
        "RunAs is nearly User or Flow.",
        "Any other text is the name of a role, whose token the input must bring.",
    ),
    (
        "not-followed",
        ADVICE,
        "What some states read and write was not checked.",
        "The service refuses the definition there. The rest is checked as if those states did "
        "anything; correct them and check again.",
    ),
    (
        "run-as-without-tokens",
        ERROR,
        "RunAs names a role, and the input schema admits no _tokens.",
        "The role's token is passed in the input as _tokens, which the schema refuses. Declare it.",
    ),
)
