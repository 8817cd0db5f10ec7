"""Findings on secrets that the definition or a run's log would show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import OBJECT, STRING
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.json_values import PRIVATE_PREFIX
from headrace.flowlang.parameters import PRIVATE_KEY, plain_name
from headrace.flowlang.paths import Path, compile_path

_SECRET: Final = re.compile(
    r"(.*[_-])?(password|passwd|passphrase|secret|client_secret|secret_key|secret_access_key|"
    r"api_?key|private_key|access_token|refresh_token|auth_token|bearer_token|"
    r"credential_value)|token|authorization",
    re.IGNORECASE,
)
_NOT_SECRET: Final = re.compile(r".*(page|next|continuation|max|num)_?.*token.*", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Say whether a parameter of this name holds a secret."""
    return (
        len(name) <= 80
        and _SECRET.fullmatch(name) is not None
        and _NOT_SECRET.fullmatch(name) is None
    )


@rule("secret-in-definition", WARNING)
@rule("secret-in-log", WARNING)
def secrets(context: RuleContext) -> Iterator[Finding]:
    """Yield parameters by which a secret would be shown."""
    analysis = context.analysis
    for name, raw in analysis.flow.definition["States"].items():
        if raw["Type"] == "Action" and isinstance(raw.get("Parameters"), dict):
            yield from _parameters(
                analysis, name, raw["Parameters"], (*state_loc(name), "Parameters")
            )


def _parameters(analysis: DataFlow, state: str, value: Any, loc: Loc) -> Iterator[Finding]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _parameters(analysis, state, item, (*loc, number))
    if not isinstance(value, dict):
        return
    hidden = {plain_name(name) for name in value.get(PRIVATE_KEY, [])}
    for key, item in value.items():
        name, where = plain_name(key), (*loc, key)
        if key == PRIVATE_KEY:
            continue
        if name not in hidden and isinstance(item, dict | list):
            yield from _parameters(analysis, state, item, where)
        elif isinstance(item, str) and item and is_secret(name):
            if key == name:
                yield Finding(
                    WARNING,
                    "secret-in-definition",
                    where,
                    f"{name!r} stands in the definition for all who may see the flow"
                    + ("" if name in hidden else ", and in the log of every run"),
                    "take it from the run's input, or leave it where the work is done",
                )
            elif key.endswith(".$"):
                yield from _passed_secrets(
                    analysis, state, compile_path(item), where, name in hidden
                )
            elif name not in hidden:
                yield _shown_in_log(name, where)


def _passed_secrets(
    analysis: DataFlow, state: str, path: Path, loc: Loc, hidden: bool
) -> Iterator[Finding]:
    found = [get(s.payload, path.steps).json_type.kinds for s in analysis.states_at(state)]
    if path.reads_context or not any(kinds & (STRING | OBJECT) for kinds in found):
        return
    name = plain_name(str(loc[-1]))
    if not hidden:
        yield _shown_in_log(name, loc)
    elif not any(str(step).startswith(PRIVATE_PREFIX) for step in path.steps):
        yield Finding(
            WARNING,
            "secret-in-log",
            loc,
            f"the log hides the parameter {name!r}, and shows it in the payload as {path.text}",
            f"give the member a name that begins with {PRIVATE_PREFIX}",
        )


def _shown_in_log(name: str, loc: Loc) -> Finding:
    return Finding(
        WARNING,
        "secret-in-log",
        loc,
        f"the log of every run shows the parameter {name!r}",
        f'add "{PRIVATE_KEY}": ["{name}"] beside it, and take it from a member of the input whose '
        f"name begins with {PRIVATE_PREFIX}",
    )
