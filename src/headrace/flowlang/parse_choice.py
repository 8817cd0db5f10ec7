"""Reading the rules of a Choice."""

from __future__ import annotations

from typing import Any, Final

from headrace.flowlang.choice import (
    AllRule,
    AnyRule,
    CompareRule,
    MatchRule,
    NotRule,
    TestRule,
    literals,
)
from headrace.flowlang.choice_operators import COMPARISONS, OPERATORS, STRING_MATCHES, TYPE_TESTS
from headrace.flowlang.errors import PathError
from headrace.flowlang.model import Rule
from headrace.flowlang.paths import Path, compile_path
from headrace.flowlang.reader import StateReader

_MAX_NESTING: Final = 50


def parse_rules(reader: StateReader) -> tuple[tuple[Rule, str], ...]:
    """Return the rules of a Choice with the states that they lead to."""
    raw = reader.raw.get("Choices")
    if "Choices" not in reader.raw:
        reader.add(["Choices"], "field required", "value_error.missing")
        return ()
    if not isinstance(raw, list) or not raw:
        reader.add(["Choices"], "must be an array of at least one rule")
        return ()
    rules = []
    for number, item in enumerate(raw):
        where: list[Any] = ["Choices", number]
        if isinstance(item, dict) and "Next" not in item:
            reader.add([*where, "Next"], "field required", "value_error.missing")
        elif isinstance(item, dict):
            reader.known_state(item["Next"], [*where, "Next"])
        rule = _rule(reader, item, where, 0)
        if rule is not None:
            rules.append((rule, str(item.get("Next", ""))))
    return tuple(rules)


def _rule(reader: StateReader, item: Any, where: list[Any], depth: int) -> Rule | None:
    if not isinstance(item, dict):
        reader.add(where, "value is not a valid dict", "type_error.dict")
        return None
    if depth > _MAX_NESTING:
        reader.add(where, f"more than {_MAX_NESTING} rules one inside the other")
        return None
    if depth and "Next" in item:
        reader.add([*where, "Next"], "only the outermost rule may have Next")
    members = set(item) - {"Next", "Comment"}
    for name in ("And", "Or"):
        if members == {name}:
            rules = _rules(reader, item[name], [*where, name], depth)
            return (AllRule if name == "And" else AnyRule)(rules)
    if members == {"Not"}:
        rule = _rule(reader, item["Not"], [*where, "Not"], depth + 1)
        return NotRule(rule) if rule is not None else None
    operators = sorted(members - {"Variable"})
    if "Variable" not in members or len(operators) != 1:
        reader.add(where, "a rule is And, Or, Not, or a Variable with exactly one operator")
        return None
    return _variable_rule(reader, item, operators[0], where)


def _rules(reader: StateReader, items: Any, where: list[Any], depth: int) -> tuple[Rule, ...]:
    if not isinstance(items, list) or not items:
        reader.add(where, "must be an array of at least one rule")
        return ()
    rules = [_rule(reader, item, [*where, n], depth + 1) for n, item in enumerate(items)]
    return tuple(rule for rule in rules if rule is not None)


def _variable_rule(
    reader: StateReader, item: dict[str, Any], name: str, where: list[Any]
) -> Rule | None:
    variable = _path(reader, item["Variable"], [*where, "Variable"])
    if name not in OPERATORS:
        reader.add([*where, name], f"{name!r} is not an operator")
        return None
    operand = item[name]
    if variable is None:
        return None
    if name in TYPE_TESTS:
        if not isinstance(operand, bool):
            reader.add([*where, name], "must be true or false", "type_error.bool")
            return None
        return TestRule(variable, name, operand)
    if name == STRING_MATCHES:
        if not isinstance(operand, str):
            reader.add([*where, name], "str type expected", "type_error.str")
            return None
        return MatchRule(variable, literals(operand))
    if name.endswith("Path"):
        other = _path(reader, operand, [*where, name])
        return CompareRule(variable, name.removesuffix("Path"), other) if other else None
    family = COMPARISONS[name].family
    read = family.read(operand)
    if read is None:
        message = f"{operand!r} is not what a {family.name} operator compares with"
        reader.add([*where, name], message)
        return None
    return CompareRule(variable, name, read)


def _path(reader: StateReader, text: Any, where: list[Any]) -> Path | None:
    try:
        if isinstance(text, str):
            return compile_path(text)
        reader.add(where, "str type expected", "type_error.str")
    except PathError as error:
        reader.add(where, str(error))
    return None
