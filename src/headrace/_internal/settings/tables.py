"""Tables of a TOML file: the keys that each may have, declared once."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

from headrace._internal.settings.kinds import (
    AnyValue,
    Boolean,
    Choice,
    Integer,
    Kind,
    ListOf,
    Number,
    Text,
)
from headrace._internal.settings.place import INVALID, Place

T = TypeVar("T")


class _Required:
    """Stands for the default of a key that a file must have."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()
"""Stands for the default of a key that a file must have."""


@dataclass(frozen=True)
class Key:
    """The declaration of a key: the metadata of a dataclass field.

    Attributes:
        description: one line for people; a sentence.
        kind: what it may hold; by the field's type where it is not given.
        unit: of a number, such as ``s``.
        minimum: of a number, where the type gives the kind.
        default: the default in words, where it is no constant.
        example: a value to show, as TOML.
    """

    description: str
    kind: Kind | None = None
    unit: str = ""
    minimum: float | None = None
    default: str = ""
    example: str = ""

    def __call__(self, value: Any) -> Any:
        """Return the value to use, as the kind does."""
        return value if self.kind is None else self.kind.parse(value)


@dataclass(frozen=True)
class Declared:
    """A key of a table.

    Attributes:
        name: the key.
        key: its declaration.
        kind: what it may hold.
        default: its value where the file says nothing; `REQUIRED`: it must be there.
    """

    name: str
    key: Key
    kind: Kind
    default: Any = REQUIRED

    @property
    def is_required(self) -> bool:
        """True if the file must have it."""
        return self.default is REQUIRED

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of its value, with description and default."""
        found = {**self.kind.schema(), "description": self.sentence}
        if isinstance(self.default, str | bool | int | float) and self.default != "":
            found["default"] = self.default
        return found

    @property
    def sentence(self) -> str:
        """The description with the unit."""
        text = self.key.description
        return f"{text.rstrip('.')}, {self.key.unit}." if self.key.unit else text


class Table(Kind, Generic[T]):
    """A table with known keys.

    Args:
        keys: the keys that it may have; a function where they are known only when asked for.
        build: makes the value of the keys' values, defaults included.
        check: reports what is wrong with a value whose keys are all right.
        only_given: keep the keys that the file has, and add no default.
        others: what further keys may hold, which are not read; None: there may be none.
    """

    expected = "a table"

    def __init__(
        self,
        keys: Mapping[str, Declared] | Callable[[], Mapping[str, Declared]],
        build: Callable[[dict[str, Any]], T],
        check: Callable[[T, Place], None] | None = None,
        only_given: bool = False,
        others: Kind | None = None,
    ) -> None:
        self._keys, self._build, self._check = keys, build, check
        self._only_given, self._others = only_given, others

    @property
    def keys(self) -> Mapping[str, Declared]:
        """The keys that the table may have."""
        return self._keys() if callable(self._keys) else self._keys

    def read(self, value: Any, place: Place) -> T:
        """Return what is made of the table; `INVALID`, with its faults reported, else."""
        before = len(place.reading.faults)
        values = self.read_values(value, place)
        if len(place.reading.faults) > before:
            return cast(T, INVALID)
        found = self._build(values)
        if self._check is not None:
            self._check(found, place)
        return found if len(place.reading.faults) == before else cast(T, INVALID)

    def read_values(self, value: Any, place: Place) -> dict[str, Any]:
        """Return the values of those keys that have no fault, defaults included."""
        if not isinstance(value, Mapping):
            place.not_a_table(value)
            return {}
        keys = self.keys
        for name in value:
            if name not in keys and self._others is None:
                place.unknown(name, list(keys))
            elif name not in keys and self._others is not None:
                self._others.read(value[name], place.child(name))
        found: dict[str, Any] = {}
        for name, declared in keys.items():
            if name in value:
                read = declared.kind.read(value[name], place.child(name))
                if read is not INVALID:
                    found[name] = read
            elif declared.is_required and isinstance(declared.kind, Table):
                # What is missing are the keys that it must have.
                read = declared.kind.read({}, place.child(name))
                if read is not INVALID:
                    found[name] = read
            elif declared.is_required:
                place.child(name).missing(declared.kind.expected)
            elif not self._only_given:
                found[name] = declared.default
        return found

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the table."""
        keys = self.keys
        required = [name for name, declared in keys.items() if declared.is_required]
        return {
            "type": "object",
            "additionalProperties": self._others.schema() if self._others else False,
            "properties": {name: declared.schema() for name, declared in keys.items()},
            **({"required": required} if required else {}),
        }

    def without_required(self) -> Table[dict[str, Any]]:
        """Return a table of the same keys in which none is required."""
        keys = {
            name: dataclasses.replace(declared, default=None) if declared.is_required else declared
            for name, declared in self.keys.items()
        }
        return Table(keys, dict, only_given=True)


def any_key(name: str) -> Declared:
    """Return the declaration of a key whose value is not read."""
    return Declared(name, Key(""), AnyValue(), None)


class FreeTable(Kind):
    """A table whose keys are free.

    Args:
        values: what each value may be; anything by default.
    """

    expected = "a table"

    def __init__(self, values: Kind | None = None) -> None:
        self._values = values or AnyValue()

    def read(self, value: Any, place: Place) -> Any:
        """Return the table."""
        if not isinstance(value, Mapping):
            place.not_a_table(value)
            return INVALID
        found = {name: self._values.read(v, place.child(name)) for name, v in value.items()}
        return INVALID if any(v is INVALID for v in found.values()) else found

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the table."""
        return {"type": "object", "additionalProperties": self._values.schema()}


class Named(Kind, Generic[T]):
    """Tables with names of the user's own, ``[key.NAME]``.

    Args:
        table: each of them.
        pattern: regular expression that a name must match; "": any.
        advice: what a name may be, in words.
        placeholder: what the documentation calls a name.
    """

    expected = "a table"

    def __init__(
        self, table: Table[T], pattern: str = "", advice: str = "", placeholder: str = "NAME"
    ) -> None:
        self.table = table
        self.placeholder = placeholder
        self._pattern, self._advice = pattern, advice

    def read(self, value: Any, place: Place) -> dict[str, T]:
        """Return the tables that have no fault, by name."""
        if not isinstance(value, Mapping):
            place.not_a_table(value)
            return {}
        found = {}
        for name, one in value.items():
            if self._pattern and not re.fullmatch(self._pattern, name):
                place.child(name).refused(f"name {name!r}: {self._advice}")
            read = self.table.read(one, place.child(name))
            if read is not INVALID:
                found[name] = read
        return found

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the tables."""
        names = {"propertyNames": {"pattern": f"^(?:{self._pattern})$"}} if self._pattern else {}
        return {"type": "object", **names, "additionalProperties": self.table.schema()}


class TableList(Kind, Generic[T]):
    """A list of tables, ``[[key]]``.

    Args:
        table: each of them.
        check: reports what is wrong with those that have no fault, by their numbers.
    """

    def __init__(
        self, table: Table[T], check: Callable[[dict[int, T], Place], None] | None = None
    ) -> None:
        self.table = table
        self._check = check

    expected = "tables, each beginning with [[...]]"

    def read(self, value: Any, place: Place) -> tuple[T, ...]:
        """Return the tables that have no fault, in their order."""
        if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
            name = ".".join(map(str, place.key))
            place.invalid(f"tables, each beginning with [[{name}]]", value)
            return ()
        read = {
            number: self.table.read(one, place.child(number)) for number, one in enumerate(value)
        }
        good = {number: one for number, one in read.items() if one is not INVALID}
        if self._check is not None:
            self._check(good, place)
        return tuple(good.values())

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the list."""
        return {"type": "array", "items": self.table.schema()}


def table_of(
    kind: type[T],
    *,
    check: Callable[[T, Place], None] | None = None,
    only_given: bool = False,
    **kinds: Kind,
) -> Table[T]:
    """Return the table that a dataclass declares.

    Args:
        kind: the dataclass; each of its fields is ``Annotated[type, Key(...)]``, and those
            without a `Key` are no keys of the file.
        check: reports what is wrong with a value whose keys are all right.
        only_given: as of `Table`; the table is then read as a dict.
        **kinds: what fields may hold where neither type nor `Key` says it.
    """
    hints = typing.get_type_hints(kind, include_extras=True)
    keys = {}
    for item in dataclasses.fields(kind):  # type: ignore[arg-type]
        base, *metadata = typing.get_args(hints[item.name]) or (hints[item.name],)
        found = [_key(each, metadata) for each in metadata if isinstance(each, Key | str)]
        if typing.get_origin(hints[item.name]) is not typing.Annotated or not found:
            continue
        (key,) = found
        default = REQUIRED if item.default is dataclasses.MISSING else item.default
        if item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        what = kinds.get(item.name) or key.kind or kind_of_type(base, key.minimum)
        keys[item.name] = Declared(item.name, key, what, default)
    build = dict if only_given else lambda values: kind(**values)
    return Table(keys, cast(Callable[[dict[str, Any]], T], build), check, only_given)


def kind_of_type(annotation: Any, minimum: float | None = None) -> Kind:
    """Return the kind of value of a field's type.

    Args:
        annotation: the type; None in a union says that the key may be left out.
        minimum: of a number.

    Raises:
        TypeError: no kind belongs to the type; its `Key` must name one.
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        (one,) = (each for each in arguments if each is not type(None))
        return kind_of_type(one, minimum)
    if annotation is int:
        return Integer(None if minimum is None else int(minimum))
    if annotation is float:
        return Number() if minimum is None else Number(minimum)
    if annotation in _PLAIN:
        return _PLAIN[annotation]()
    if origin is typing.Literal:
        return Choice(arguments)
    if dataclasses.is_dataclass(annotation):
        return table_of(cast(type[Any], annotation))
    if origin is not None and issubclass(origin, Mapping):
        of = arguments[1]
        if dataclasses.is_dataclass(of):
            return Named(table_of(cast(type[Any], of)))
        return FreeTable(AnyValue() if of is Any else kind_of_type(of, minimum))
    if origin is not None and issubclass(origin, typing.Sequence):
        of = arguments[0]
        if dataclasses.is_dataclass(of):
            return TableList(table_of(cast(type[Any], of)))
        return ListOf(kind_of_type(of, minimum))
    raise TypeError(f"no kind of value belongs to the type {annotation!r}; name one in its Key")


_PLAIN: Final[Mapping[Any, Callable[[], Kind]]] = {str: Text, bool: Boolean}


def _key(found: Key | str, metadata: Sequence[Any]) -> Key:
    """Return a key; modules that travel as text say it by a description, and a minimum after it."""
    if isinstance(found, Key):
        return found
    minimum = next((each for each in metadata if isinstance(each, int)), None)
    return Key(found, minimum=minimum)
