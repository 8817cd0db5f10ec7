"""Findings on what an Action asks of its provider, by the schema of the provider's parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from headrace.flowlang.action_urls import UUID
from headrace.flowlang.checker.analysis.abstract_state import Situation
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import (
    ARRAY,
    NUMBER,
    OBJECT,
    SCALARS,
    STRING,
    Presence,
    Shape,
    Value,
    kind_of,
    kinds_in_words,
    member_of,
)
from headrace.flowlang.checker.analysis.lookup import look
from headrace.flowlang.checker.analysis.schema_types import kinds_of
from headrace.flowlang.checker.analysis.uses import state_loc
from headrace.flowlang.checker.report.finding import ERROR, WARNING, Finding, Loc
from headrace.flowlang.model import ActionState
from headrace.flowlang.parameters import ArrayTemplate, Constant, ObjectTemplate
from headrace.flowlang.providers import Provider, provider_of
from headrace.flowlang.providers.bodies import OUT_OF_PLACE, meant, options_words, type_words

_ID: Final = "uuid"
_PATH: Final = "path"
_PATH_FORM: Final = re.compile(r"[/~].*|\.{1,2}/.*", re.DOTALL)


def parameters(analysis: DataFlow) -> Iterator[Finding]:
    """Yield what providers would refuse, and what they do not know.

    Args:
        analysis: the flow's situations.
    """
    for name, state in analysis.flow.states.items():
        provider = provider_of(state.url) if isinstance(state, ActionState) else None
        situations = analysis.situations(name)
        if isinstance(state, ActionState) and provider is not None and situations:
            yield from _of_action(analysis, state, provider, situations)


def _of_action(
    analysis: DataFlow, state: ActionState, provider: Provider, situations: list[Situation]
) -> Iterator[Finding]:
    loc, part = state_loc(state.name), state.parameters
    raw = analysis.flow.definition["States"][state.name]
    where = "Parameters" if part is not None else "InputPath" if "InputPath" in raw else None
    whole = loc if where is None else (*loc, where)
    found = [
        list(
            _Check(provider, partial(_evaluated, analysis, s)).of(
                provider.parameters, analysis.body(state, s), part, whole, ()
            )
        )
        for s in situations
    ]
    everywhere = set.intersection(*(set(problems) for problems in found))
    for problem in dict.fromkeys(p for problems in found for p in problems):
        if problem in everywhere:
            yield problem
        elif problem.severity == ERROR:
            message = f"{problem.message} (on some routes to {state.name!r})"
            yield Finding(WARNING, problem.code, problem.loc, message, problem.fix)
        else:
            yield problem


def _evaluated(analysis: DataFlow, situation: Situation, part: Any) -> Shape:
    return analysis.evaluated(part, situation.shape)


class _Check:
    def __init__(self, provider: Provider, evaluate: Callable[[Any], Shape]) -> None:
        self._provider = provider
        self._evaluate = evaluate

    def of(
        self, schema: Any, shape: Shape, part: Any, loc: Loc, at: tuple[str, ...]
    ) -> Iterator[Finding]:
        """Yield what is wrong with a part of the body.

        Args:
            schema: what the provider takes there.
            shape: what can be there.
            part: its template, where it has one.
            loc: where that stands.
            at: the names of the parameters that lead there.
        """
        if not isinstance(schema, Mapping):
            return
        problem = _unfit(schema, shape)
        if problem is not None:
            fix = "correct the value"
            yield Finding(ERROR, "invalid-parameter", loc, f"{_written(at)}: {problem}", fix)
            return
        partly = _partly_refused(schema, shape)
        if partly is not None:
            fix = "leave it out of the values that the input schema, or a state before, allows"
            yield Finding(WARNING, "invalid-parameter", loc, f"{_written(at)}: {partly}", fix)
        doubt = _misplaced(schema, shape)
        if doubt is not None:
            fix = "correct the path that it is read from"
            yield Finding(WARNING, "invalid-parameter", loc, f"{_written(at)}: {doubt}", fix)
        if shape.kinds == OBJECT:
            yield from self._object(schema, shape, part, loc, at)
        elif shape.kinds == ARRAY and "items" in schema:
            yield from self._array(schema["items"], shape, part, loc, at)

    def _object(
        self, schema: Mapping[str, Any], shape: Shape, part: Any, loc: Loc, at: tuple[str, ...]
    ) -> Iterator[Finding]:
        known = schema.get("properties", {})
        parts = _members(part)
        for name, member in shape.members.items():
            if member.presence == Presence.CANNOT:
                continue
            key, inner = parts.get(name, (None, None))
            where = loc if key is None else (*loc, key)
            if name in known:
                yield from self.of(known[name], member.shape, inner, where, (*at, name))
            elif known and (parts or member.presence in (Presence.MUST, Presence.MAY)):
                yield self._unknown(schema, name, where, at)
        for rule in _applying(schema, shape):
            for name in rule.get("required", ()):
                yield from self._missing(shape, name, loc, at)
            for name, wanted in rule.get("properties", {}).items():
                excluded = isinstance(wanted, Mapping) and "not" in wanted
                if excluded and member_of(shape, name).presence == Presence.MUST:
                    told = f"{_written((*at, name))} {OUT_OF_PLACE}"
                    yield Finding(ERROR, "unknown-parameter", loc, told, f"remove {name}")

    def _unknown(
        self, schema: Mapping[str, Any], name: str, loc: Loc, at: tuple[str, ...]
    ) -> Finding:
        known = schema["properties"]
        closed = schema.get("additionalProperties") is False
        near = meant(name, known, self._provider)
        told = f"is no parameter of {self._provider.title}"
        if not closed:
            told = f"is not documented as a parameter of {self._provider.title}"
        return Finding(
            ERROR if closed else WARNING,
            "unknown-parameter",
            loc,
            f"{_written((*at, name))} {told}",
            f"did you mean {near}?" if near else f"it takes {', '.join(known)}",
        )

    def _missing(self, shape: Shape, name: str, loc: Loc, at: tuple[str, ...]) -> Iterator[Finding]:
        presence = member_of(shape, name).presence
        if presence in (Presence.UNKNOWN, Presence.MUST):
            return
        sure = presence == Presence.CANNOT
        yield Finding(
            ERROR if sure else WARNING,
            "missing-parameter",
            loc,
            f"{_written((*at, name))} {'is' if sure else 'may be'} missing: "
            f"{self._provider.title} requires it",
            f"add {name}" if sure else f"require {name} in the input schema",
        )

    def _array(
        self, schema: Any, shape: Shape, part: Any, loc: Loc, at: tuple[str, ...]
    ) -> Iterator[Finding]:
        inner = _items(part)
        if inner is not None:
            for number, item in enumerate(inner):
                where = (*loc, number)
                yield from self.of(schema, self._evaluate(item), item, where, (*at, f"[{number}]"))
        elif shape.items is not None:
            for finding in self.of(schema, shape.items, None, loc, (*at, "[]")):
                # Of a list that may be empty nothing need be wrong.
                severity = finding.severity if shape.least else WARNING
                yield Finding(severity, finding.code, loc, finding.message, finding.fix)


def _unfit(schema: Mapping[str, Any], shape: Shape) -> str | None:
    """Return why nothing of a shape fits a schema; None where something may."""
    allowed = kinds_of(schema.get("type"))
    if not shape.kinds & allowed:
        return f"must be {type_words(schema['type'])}, not {kinds_in_words(shape.kinds)}"
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    if options is not None and not any(shape.kinds & kind_of(option) for option in options):
        return f"must be {options_words(options)}, not {kinds_in_words(shape.kinds)}"
    if shape.kinds == ARRAY and shape.most is not None and shape.most < schema.get("minItems", 0):
        return "at least one is required"
    if shape.values is None or shape.kinds & ~SCALARS:
        return None
    reasons = [_refused(schema, value, options) for value in shape.values]
    if not reasons or any(reason is None for reason in reasons):
        return None
    return sorted(reason for reason in reasons if reason is not None)[0]


def _partly_refused(schema: Mapping[str, Any], shape: Shape) -> str | None:
    """Return why some of the values that are known to be possible do not fit a schema."""
    if shape.values is None or shape.kinds & ~SCALARS:
        return None
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    reasons = [_refused(schema, value, options) for value in shape.values]
    told = sorted(reason for reason in reasons if reason is not None)
    return told[0] if told else None


def _refused(schema: Mapping[str, Any], value: Value, options: list[Any] | None) -> str | None:
    kind, content = value
    if not kind & kinds_of(schema.get("type")):
        return f"must be {type_words(schema['type'])}, not {kinds_in_words(kind)}"
    if options is not None and (kind, content) not in {(kind_of(o), o) for o in options}:
        return f"must be {options_words(options)}, not {content!r:.60}"
    whole = schema.get("type") in ("integer", ["integer", "null"])
    if kind == NUMBER and whole and content != int(content):
        return f"must be a whole number, not {content!r}"
    if kind == NUMBER and content < schema.get("minimum", content):
        return f"must be at least {schema['minimum']}, not {content!r}"
    if kind == STRING and not content and schema.get("minLength"):
        return "must not be empty"
    if kind == STRING and not re.search(schema.get("pattern", ""), str(content)):
        return f"must be {schema['description']}, not {content!r:.60}"
    return None


def _misplaced(schema: Mapping[str, Any], shape: Shape) -> str | None:
    """Return why a value is hardly meant here: an id in place of a path, or the reverse."""
    form = schema.get("format")
    texts = [str(v) for kind, v in shape.values or () if kind == STRING]
    if form == _PATH and shape.kinds == STRING:
        if shape.identifies or (texts and all(UUID.fullmatch(text) for text in texts)):
            return "is an id, and a path is needed"
    elif form == _ID and texts and all(_PATH_FORM.fullmatch(text) for text in texts):
        return f"is a path ({texts[0]!r:.60}), and an id is needed"
    return None


def _applying(schema: Mapping[str, Any], shape: Shape) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and those that it brings into play for what has a shape."""
    yield schema
    for part in (schema, *schema.get("allOf", ())):
        if part is not schema:
            yield part
        if "if" in part:
            truth = _holds(part["if"], shape)
            if truth is not None:
                chosen = part.get("then" if truth else "else")
                if isinstance(chosen, Mapping):
                    yield chosen


def _holds(schema: Mapping[str, Any], shape: Shape) -> bool | None:
    """Say whether a condition on an object's members holds; None where that is not known."""
    truths: list[bool | None] = []
    for name in schema.get("required", ()):
        presence = look(shape, (name,)).presence
        truths.append({Presence.MUST: True, Presence.CANNOT: False}.get(presence))
    for name, part in schema.get("properties", {}).items():
        values = member_of(shape, name).shape.values
        wanted = part.get("enum", [part["const"]] if "const" in part else [])
        options = {(kind_of(option), option) for option in wanted}
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


def _written(at: Iterable[str]) -> str:
    text = ""
    for name in at:
        text += name if name.startswith("[") or not text else f".{name}"
    return text or "the body"
