"""Faults of the body of an action, by its provider's schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.near_names import nearest
from headrace.flowlang.providers.registry import Provider

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

# Of what a schema excludes ("not": {}) where other members have certain values.
OUT_OF_PLACE: Final = "does not belong beside the other members"
_TYPES: Final = {
    "string": "a string",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}


@dataclass(frozen=True)
class BodyProblem:
    """One thing that is wrong with a body.

    Attributes:
        where: the parameter, such as ``DATA[0].source_path``.
        message: what is wrong with it.
    """

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def body_problems(provider: Provider, body: Any) -> list[BodyProblem]:
    """Return why a provider would refuse a body; nothing where its parameters are not known.

    Args:
        provider: the provider.
        body: what it is asked.
    """
    if provider.parameters is None:
        return []
    found = [
        problem
        for error in provider.validator.iter_errors(body)
        for problem in _problems(error, provider)
    ]
    return list(dict.fromkeys(found))


def type_words(types: Any) -> str:
    """Write the ``type`` of a schema in words, without null."""
    names = types if isinstance(types, list) else [types]
    return " or ".join(_TYPES[name] for name in names if name != "null") or "null"


def meant(name: str, known: Iterable[str], provider: Provider) -> str | None:
    """Return the parameter that a misspelt or renamed one stands for, or None."""
    names = list(known)
    renamed = provider.renamed.get(name)
    if renamed in names:
        return renamed
    return nearest(name, names, 0.75)


def written(steps: Iterable[str | int]) -> str:
    """Write the place of a parameter: ``DATA[0].source_path``."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "the body"


def _problems(error: ValidationError, provider: Provider) -> Iterator[BodyProblem]:
    steps: list[str | int] = list(error.absolute_path)
    rule, value = str(error.validator), error.instance
    wanted: Any = error.validator_value
    schema: Any = error.schema
    if rule == "required" and isinstance(value, Mapping):
        for name in wanted:
            if name not in value:
                old = next((o for o, new in provider.renamed.items() if new == name), None)
                instead = f", in place of {old}" if old in value else ""
                yield BodyProblem(written([*steps, name]), f"required{instead}")
    elif rule == "additionalProperties" and isinstance(value, Mapping):
        names = schema.get("properties", {})
        for name in value:
            if name not in names:
                near = meant(name, names, provider)
                advice = f"did you mean {near}?" if near else f"it takes {', '.join(names)}"
                message = f"not a parameter of {provider.title}; {advice}"
                yield BodyProblem(written([*steps, name]), message)
    elif rule == "not":
        yield BodyProblem(written(steps), OUT_OF_PLACE)
    elif rule == "pattern" and "description" in schema:
        message = f"must be {schema['description']}, not {_shown(value)}"
        yield BodyProblem(written(steps), message)
    else:
        yield BodyProblem(written(steps), _message(rule, wanted, value))


def _message(rule: str, wanted: Any, value: Any) -> str:
    if rule == "type":
        return f"must be {type_words(wanted)}, not {kind_words(value)}"
    if rule == "enum":
        return f"must be {options_words(wanted)}, not {_shown(value)}"
    if rule == "const":
        return f"must be {wanted!r}, not {_shown(value)}"
    if rule == "minItems":
        return "at least one is required"
    if rule == "minLength":
        return "must not be empty"
    if rule == "minimum":
        return f"must be at least {wanted}, not {_shown(value)}"
    return f"does not fit {rule} {wanted!r}"


def kind_words(value: Any) -> str:
    """Write what a JSON value is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def options_words(values: Iterable[Any]) -> str:
    """Write the values that an ``enum`` admits."""
    shown = [repr(value) for value in values if value is not None]
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
