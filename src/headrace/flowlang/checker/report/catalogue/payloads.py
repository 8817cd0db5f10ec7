"""Rules on payloads: paths, types, parameters and names."""

from __future__ import annotations

from typing import Final

from headrace.flowlang.checker.report.finding import ERROR, WARNING
from headrace.flowlang.checker.report.rule_description import RuleDescription

PAYLOAD_RULES: Final = (
    RuleDescription(
        "path-cannot-exist",
        ERROR,
        "What is read cannot be there.",
        "No input that the schema admits and no earlier state on any route produces it: every run "
        "that comes here fails with States.Runtime.",
    ),
    RuleDescription(
        "path-may-be-missing",
        WARNING,
        "What is read is missing on some route or in some input.",
        "A run fails with States.Runtime on the route that the message names. Require it in the "
        "input schema, give it a value on that route, or test it with IsPresent first. Advice "
        "where stat's answer is read of a path that a transfer takes anyway.",
    ),
    RuleDescription(
        "undeclared-input",
        WARNING,
        "An input is read that the schema does not declare.",
        "The schema lists members and not this one, yet admits others: an input without it is "
        "accepted, and the run fails here. Declare it and require it.",
    ),
    RuleDescription(
        "type-mismatch",
        ERROR,
        "A value cannot be of the type that is needed.",
        "Whatever the run, this fails: for example a number added to a string, or SecondsPath that "
        "leads to text. A warning where it stands in a branch or a loop that need not be reached.",
    ),
    RuleDescription(
        "missing-parameter",
        ERROR,
        "A parameter that the provider requires is missing.",
        "The provider refuses the action: the state fails with ActionUnableToRun. A warning where "
        "it is missing in some inputs or on some routes alone.",
    ),
    RuleDescription(
        "unknown-parameter",
        ERROR,
        "A parameter that the provider does not know.",
        "The provider refuses it, or leaves it out of account. A warning where its documentation "
        "does not say that it refuses what it does not know.",
    ),
    RuleDescription(
        "invalid-parameter",
        ERROR,
        "A parameter cannot be what the provider takes.",
        "It is of another type, or none of the values that the provider admits. A warning where an "
        "id stands in place of a path, or the reverse.",
    ),
    RuleDescription(
        "suffix-forgotten",
        WARNING,
        "A text looks like a path or an expression, and is sent as it stands.",
        "Only members whose name ends with .$ or .= are evaluated, and only ErrorPath, CausePath "
        "and operators that end with Path take a path.",
    ),
    RuleDescription(
        "braces-not-filled",
        WARNING,
        "A text in an expression has the name of a member in braces.",
        "Braces are filled in an f-string alone. Put an f before the quote, "
        "or texts together with +.",
    ),
    RuleDescription(
        "suffix-without-effect",
        WARNING,
        "A name with .$ or .= stands in a Result.",
        "A Result is a constant: nothing in it is evaluated. Use Parameters.",
    ),
    RuleDescription(
        "mixed-ends",
        WARNING,
        "A transfer takes the collection of one end and the path of the other.",
        "By their names the two belong to different places; or source and destination are the "
        "same. Take collection and path from the same place.",
    ),
    RuleDescription(
        "near-miss-name",
        WARNING,
        "A name is nearly that of another, and is given or documented nowhere.",
        "A member that the provider does not document, beside one that it does; a result that is "
        "never read, beside one that is; a member that nothing gives, beside one that is given.",
    ),
    RuleDescription(
        "undocumented-member",
        WARNING,
        "A member of a provider's answer is read that its documentation does not have.",
        "Every run that comes here fails, if the provider gives nothing of this name. Read one of "
        "the members that it documents, or test with IsPresent whether it is there.",
    ),
)
