"""Rules on definitions and input schemas: style, secrets, roles."""

from __future__ import annotations

from typing import Final

from headrace.flowlang.checker.report.finding import ADVICE, ERROR, WARNING
from headrace.flowlang.checker.report.rule_description import RuleDescription

DEFINITION_RULES: Final = (
    RuleDescription(
        "bare-root-path",
        WARNING,
        "A bare path $.",
        "The service's older rules refuse it, though $ is its default.",
    ),
    RuleDescription(
        "dict-method-name",
        WARNING,
        "A dotted name in an expression is a method of objects.",
        "o.items is the method, not the member. Write o['items'].",
    ),
    RuleDescription(
        "undocumented-context",
        WARNING,
        "A member of $._context is read that is not documented.",
        "Documented are flow_id, run_id, username, email, user_id, identities and token_info.",
    ),
    RuleDescription(
        "input-not-read",
        WARNING,
        "The input schema declares what no state reads.",
        "Who starts the flow fills it in for nothing; or a state reads another name by mistake.",
    ),
    RuleDescription(
        "misplaced-keyword",
        WARNING,
        "A keyword of JSON schema stands among the properties.",
        "There it is the name of a property, and forbids nothing else. Move it one level out.",
    ),
    RuleDescription(
        "unsatisfiable-schema",
        ERROR,
        "The input schema, or a part of it, accepts nothing.",
        "Its parts contradict one another: bounds, values and types, or a required name that is no "
        "property where no others are accepted. Every run is refused at its start. A warning where "
        "an input can do without the part.",
    ),
    RuleDescription(
        "example-not-accepted",
        WARNING,
        "The input schema does not accept its own default or example.",
        "Who starts the flow with what the schema shows is refused. Correct the value or the "
        "schema.",
    ),
    RuleDescription(
        "unknown-keyword",
        WARNING,
        "A name in the input schema is nearly that of a keyword or a format of JSON schema.",
        "Validators leave out what they do not know: nothing is checked by it.",
    ),
    RuleDescription(
        "keyword-without-effect",
        WARNING,
        "A keyword of the input schema says nothing of values of the type beside it.",
        "A length of a number, or items of an object: the type or the keyword is meant otherwise.",
    ),
    RuleDescription(
        "field-without-effect",
        WARNING,
        "A Pass has more than one of Result, Parameters and InputPath.",
        "The first of them that it has is what it gives; the others have no effect.",
    ),
    RuleDescription(
        "private-parameter-missing",
        WARNING,
        "__Private_Parameters names no parameter beside it.",
        "Nothing is hidden by it. Correct the name.",
    ),
    RuleDescription(
        "secret-in-definition",
        WARNING,
        "A secret stands in the definition.",
        "Everyone who may see the flow can read it. Take it from the input or from the place that "
        "does the work.",
    ),
    RuleDescription(
        "secret-in-log",
        WARNING,
        "A secret is shown in the run's log.",
        "List the parameter in __Private_Parameters, and take it from a member of the input whose "
        "name begins with _private.",
    ),
    RuleDescription(
        "run-as-misspelt",
        WARNING,
        "RunAs is nearly User or Flow.",
        "Any other text is the name of a role, whose token the input must bring.",
    ),
    RuleDescription(
        "not-followed",
        ADVICE,
        "What some states read and write was not checked.",
        "The service refuses the definition there. The rest is checked as if those states did "
        "anything; correct them and check again.",
    ),
    RuleDescription(
        "run-as-without-tokens",
        ERROR,
        "RunAs names a role, and the input schema admits no _tokens.",
        "The role's token is passed in the input as _tokens, which the schema refuses. Declare it.",
    ),
)
