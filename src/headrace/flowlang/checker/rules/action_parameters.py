"""Findings on the parameters of Actions, by the schemas of their providers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from headrace.flowlang.action_urls import UUID
from headrace.flowlang.checker.analysis.abstract_state import AbstractState
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import (
    ARRAY,
    NUMBER,
    OBJECT,
    SCALARS,
    STRING,
    JsonType,
    Presence,
    Value,
    describe_kinds,
    kind_of,
    member_of,
)
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.schema_types import kinds_of
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import ERROR, WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.model import ActionState
from headrace.flowlang.parameters import ArrayTemplate, Constant, ObjectTemplate
from headrace.flowlang.providers import Provider
from headrace.flowlang.providers.bodies import OUT_OF_PLACE, meant, options_words, type_words

_ID: Final = "uuid"
_PATH: Final = "path"
_PATH_FORM: Final = re.compile(r"[/~].*|\.{1,2}/.*", re.DOTALL)


@rule("missing-parameter", ERROR)
@rule("unknown-parameter", ERROR)
@rule("invalid-parameter", ERROR)
def parameters(context: RuleContext) -> Iterator[Finding]:
    """Yield parameters that providers refuse, or do not know."""
    analysis = context.analysis
    for name, state in analysis.flow.states.items():
        provider = analysis.provider_of(state)
        entry_states = analysis.states_at(name)
        if isinstance(state, ActionState) and provider is not None and entry_states:
            yield from _action_findings(analysis, state, provider, entry_states)


def _action_findings(
    analysis: DataFlow, state: ActionState, provider: Provider, entry_states: list[AbstractState]
) -> Iterator[Finding]:
    loc, part = state_loc(state.name), state.parameters
    raw = analysis.flow.definition["States"][state.name]
    where = "Parameters" if part is not None else "InputPath" if "InputPath" in raw else None
    root_loc = loc if where is None else (*loc, where)
    found = [
        list(
            _BodyCheck(provider, partial(_evaluated, analysis, s)).of(
                provider.parameters, analysis.body(state, s), part, root_loc, ()
            )
        )
        for s in entry_states
    ]
    in_all = set.intersection(*(set(problems) for problems in found))
    for problem in dict.fromkeys(p for problems in found for p in problems):
        if problem in in_all:
            yield problem
        elif problem.severity == ERROR:
            message = f"{problem.message} (on some routes to {state.name!r})"
            yield Finding(WARNING, problem.code, problem.loc, message, problem.fix)
        else:
            yield problem


def _evaluated(analysis: DataFlow, entry_state: AbstractState, part: Any) -> JsonType:
    return analysis.evaluate(part, entry_state.payload)


class _BodyCheck:
    def __init__(self, provider: Provider, evaluate: Callable[[Any], JsonType]) -> None:
        self._provider = provider
        self._evaluate = evaluate

    def of(
        self, schema: Any, json_type: JsonType, part: Any, loc: Loc, at: tuple[str, ...]
    ) -> Iterator[Finding]:
        """Yield what is wrong with a part of the body.

        Args:
            schema: what the provider takes there.
            json_type: type of the part.
            part: its template, where it has one.
            loc: its location.
            at: the names of the parameters that lead there.
        """
        if not isinstance(schema, Mapping):
            return
        problem = _mismatch_reason(schema, json_type)
        if problem is not None:
            fix = "correct the value"
            yield Finding(ERROR, "invalid-parameter", loc, f"{_parameter_path(at)}: {problem}", fix)
            return
        partial = _partial_mismatch_reason(schema, json_type)
        if partial is not None:
            fix = "leave it out of the values that the input schema, or a state before, allows"
            yield Finding(
                WARNING, "invalid-parameter", loc, f"{_parameter_path(at)}: {partial}", fix
            )
        swapped = _swapped_id_or_path(schema, json_type)
        if swapped is not None:
            fix = "correct the path that it is read from"
            yield Finding(
                WARNING, "invalid-parameter", loc, f"{_parameter_path(at)}: {swapped}", fix
            )
        if json_type.kinds == OBJECT:
            yield from self._object(schema, json_type, part, loc, at)
        elif json_type.kinds == ARRAY and "items" in schema:
            yield from self._array(schema["items"], json_type, part, loc, at)

    def _object(
        self,
        schema: Mapping[str, Any],
        json_type: JsonType,
        part: Any,
        loc: Loc,
        at: tuple[str, ...],
    ) -> Iterator[Finding]:
        known = schema.get("properties", {})
        parts = _members(part)
        for name, member in json_type.members.items():
            if member.presence == Presence.CANNOT:
                continue
            key, inner = parts.get(name, (None, None))
            where = loc if key is None else (*loc, key)
            if name in known:
                yield from self.of(known[name], member.json_type, inner, where, (*at, name))
            elif known and (parts or member.presence in (Presence.MUST, Presence.MAY)):
                yield self._unknown(schema, name, where, at)
        for applicable in _applicable_schemas(schema, json_type):
            for name in applicable.get("required", ()):
                yield from self._missing(json_type, name, loc, at)
            for name, wanted in applicable.get("properties", {}).items():
                excluded = isinstance(wanted, Mapping) and "not" in wanted
                if excluded and member_of(json_type, name).presence == Presence.MUST:
                    reported = f"{_parameter_path((*at, name))} {OUT_OF_PLACE}"
                    yield Finding(ERROR, "unknown-parameter", loc, reported, f"remove {name}")

    def _unknown(
        self, schema: Mapping[str, Any], name: str, loc: Loc, at: tuple[str, ...]
    ) -> Finding:
        known = schema["properties"]
        closed = schema.get("additionalProperties") is False
        near = meant(name, known, self._provider)
        reported = f"is no parameter of {self._provider.title}"
        if not closed:
            reported = f"is not documented as a parameter of {self._provider.title}"
        return Finding(
            ERROR if closed else WARNING,
            "unknown-parameter",
            loc,
            f"{_parameter_path((*at, name))} {reported}",
            f"did you mean {near}?" if near else f"it takes {', '.join(known)}",
        )

    def _missing(
        self, json_type: JsonType, name: str, loc: Loc, at: tuple[str, ...]
    ) -> Iterator[Finding]:
        presence = member_of(json_type, name).presence
        if presence in (Presence.UNKNOWN, Presence.MUST):
            return
        certain = presence == Presence.CANNOT
        yield Finding(
            ERROR if certain else WARNING,
            "missing-parameter",
            loc,
            f"{_parameter_path((*at, name))} {'is' if certain else 'may be'} missing: "
            f"{self._provider.title} requires it",
            f"add {name}" if certain else f"require {name} in the input schema",
        )

    def _array(
        self, schema: Any, json_type: JsonType, part: Any, loc: Loc, at: tuple[str, ...]
    ) -> Iterator[Finding]:
        inner = _items(part)
        if inner is not None:
            for number, item in enumerate(inner):
                where = (*loc, number)
                yield from self.of(schema, self._evaluate(item), item, where, (*at, f"[{number}]"))
        elif json_type.items is not None:
            for finding in self.of(schema, json_type.items, None, loc, (*at, "[]")):
                # Of a list that may be empty nothing need be wrong.
                severity = finding.severity if json_type.min_items else WARNING
                yield Finding(severity, finding.code, loc, finding.message, finding.fix)


def _mismatch_reason(schema: Mapping[str, Any], json_type: JsonType) -> str | None:
    """Return why no value of a type fits a schema; None where one may."""
    allowed = kinds_of(schema.get("type"))
    if not json_type.kinds & allowed:
        return f"must be {type_words(schema['type'])}, not {describe_kinds(json_type.kinds)}"
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    if options is not None and not any(json_type.kinds & kind_of(option) for option in options):
        return f"must be {options_words(options)}, not {describe_kinds(json_type.kinds)}"
    if (
        json_type.kinds == ARRAY
        and json_type.max_items is not None
        and json_type.max_items < schema.get("minItems", 0)
    ):
        return "at least one is required"
    if json_type.values is None or json_type.kinds & ~SCALARS:
        return None
    reasons = [_value_problem(schema, value, options) for value in json_type.values]
    if not reasons or any(reason is None for reason in reasons):
        return None
    return sorted(reason for reason in reasons if reason is not None)[0]


def _partial_mismatch_reason(schema: Mapping[str, Any], json_type: JsonType) -> str | None:
    """Return why some of the values that are known to be possible do not fit a schema."""
    if json_type.values is None or json_type.kinds & ~SCALARS:
        return None
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    reasons = [_value_problem(schema, value, options) for value in json_type.values]
    reported = sorted(reason for reason in reasons if reason is not None)
    return reported[0] if reported else None


def _value_problem(
    schema: Mapping[str, Any], value: Value, options: list[Any] | None
) -> str | None:
    kind, content = value
    if not kind & kinds_of(schema.get("type")):
        return f"must be {type_words(schema['type'])}, not {describe_kinds(kind)}"
    if options is not None and (kind, content) not in [(kind_of(o), o) for o in options]:
        return f"must be {options_words(options)}, not {content!r:.60}"
    root_loc = schema.get("type") in ("integer", ["integer", "null"])
    if kind == NUMBER and root_loc and content != int(content):
        return f"must be a whole number, not {content!r}"
    if kind == NUMBER and content < schema.get("minimum", content):
        return f"must be at least {schema['minimum']}, not {content!r}"
    if kind == STRING and not content and schema.get("minLength"):
        return "must not be empty"
    if kind == STRING and not re.search(schema.get("pattern", ""), str(content)):
        form = schema.get("description") or f"as the pattern {schema['pattern']}"
        return f"must be {form}, not {content!r:.60}"
    return None


def _swapped_id_or_path(schema: Mapping[str, Any], json_type: JsonType) -> str | None:
    """Return why a value is probably wrong: an id in place of a path, or the reverse."""
    form = schema.get("format")
    texts = [str(v) for kind, v in json_type.values or () if kind == STRING]
    if form == _PATH and json_type.kinds == STRING:
        if json_type.is_id or (texts and all(UUID.fullmatch(text) for text in texts)):
            return "is an id, and a path is needed"
    elif form == _ID and texts and all(_PATH_FORM.fullmatch(text) for text in texts):
        return f"is a path ({texts[0]!r:.60}), and an id is needed"
    return None


def _applicable_schemas(
    schema: Mapping[str, Any], json_type: JsonType
) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and its subschemas that apply to a type."""
    yield schema
    for part in (schema, *schema.get("allOf", ())):
        if part is not schema:
            yield part
        if "if" in part:
            truth = _holds(part["if"], json_type)
            if truth is not None:
                chosen = part.get("then" if truth else "else")
                if isinstance(chosen, Mapping):
                    yield chosen


def _holds(schema: Mapping[str, Any], json_type: JsonType) -> bool | None:
    """Say whether a condition on an object's members holds; None where that is not known."""
    truths: list[bool | None] = []
    for name in schema.get("required", ()):
        presence = get(json_type, (name,)).presence
        truths.append({Presence.MUST: True, Presence.CANNOT: False}.get(presence))
    for name, part in schema.get("properties", {}).items():
        values = member_of(json_type, name).json_type.values
        wanted = part.get("enum", [part["const"]] if "const" in part else [])
        options = {(kind, one) for one in wanted if (kind := kind_of(one)) & SCALARS}
        if values is None:
            truths.append(None)
        else:
            truths.append(True if values <= options else None if values & options else False)
    if any(truth is False for truth in truths):
        return False
    return None if any(truth is None for truth in truths) else True


def _members(part: Any) -> dict[str, tuple[str, Any]]:
    """Return the members of a template by their names: the key as it is written, and the part."""
    if isinstance(part, ObjectTemplate):
        return {name: (getattr(inner, "key", name), inner) for name, inner in part.members}
    if isinstance(part, Constant) and isinstance(part.value, dict):
        return {name: (name, Constant(value)) for name, value in part.value.items()}
    return {}


def _items(part: Any) -> list[Any] | None:
    if isinstance(part, ArrayTemplate):
        return list(part.items)
    if isinstance(part, Constant) and isinstance(part.value, list):
        return [Constant(value) for value in part.value]
    return None


def _parameter_path(at: Iterable[str]) -> str:
    text = ""
    for name in at:
        text += name if name.startswith("[") or not text else f".{name}"
    return text or "the body"
