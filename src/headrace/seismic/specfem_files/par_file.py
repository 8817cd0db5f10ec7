"""SPECFEM's ``KEY = value  # comment`` files, edited as a person would: all else stays."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace.seismic.errors import SolverError

Value = bool | int | float | str

# As SPECFEM's own reader takes a line: words after the sign, up to a number sign.
_LINE = re.compile(
    r"^(?P<before>[ \t]*(?P<key>[^#=\s]+)[ \t]*=[ \t]*)"
    r"(?P<value>[^#\s]+(?:[ \t]+[^#\s]+)*)?(?P<after>.*)$"
)
# One character per byte, so that comments in whatever encoding stay as they are.
_BYTES = "latin-1"
_TRUE = {".true.", "true", "t", ".t."}
_FALSE = {".false.", "false", "f", ".f."}


@dataclass(frozen=True)
class ParFile:
    """A ``Par_file`` or ``SOURCE``.

    Attributes:
        path: where it was read, for messages.
        lines: its lines, without their ends.
    """

    path: Path
    lines: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> ParFile:
        """Read one.

        Raises:
            SolverError: it cannot be read.
        """
        try:
            text = path.read_bytes().decode(_BYTES)
        except OSError as error:
            raise SolverError(f"{path}: cannot be read: {error.strerror}") from None
        return cls(path, tuple(text.removesuffix("\n").split("\n")))

    @property
    def text(self) -> str:
        """The whole file, one character per byte."""
        return "\n".join(self.lines) + "\n"

    @property
    def entries(self) -> tuple[tuple[str, str], ...]:
        """Keys and values in their order; a line that has no key, but is no comment, as value."""
        found = []
        for line in self.lines:
            match = _LINE.match(line)
            if match:
                found.append((match["key"], match["value"] or ""))
            elif line.strip() and not line.lstrip().startswith("#"):
                found.append(("", " ".join(line.split())))
        return tuple(found)

    def write(self, path: Path) -> None:
        """Write it to another place.

        Raises:
            SolverError: it cannot be written.
        """
        try:
            path.write_bytes(self.text.encode(_BYTES))
        except OSError as error:
            raise SolverError(f"{path}: cannot be written: {error.strerror}") from None

    def has(self, key: str) -> bool:
        """Return whether a key is there."""
        return bool(self._places(key))

    def get(self, key: str) -> str:
        """Return the value of a key as it is written.

        Raises:
            SolverError: the key is not there, or has no value.
        """
        match = _LINE.match(self.lines[self._place(key)])
        value = match["value"] if match else None
        if value is None:
            raise SolverError(f"{self.path}: {key} has no value")
        return value

    def flag(self, key: str) -> bool:
        """Return the value of a key that is ``.true.`` or ``.false.``.

        Raises:
            SolverError: the key is not there, or it is neither.
        """
        word = self.get(key).lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
        raise SolverError(f"{self.path}: {key}: {word} is not .true. or .false.")

    def number(self, key: str) -> float:
        """Return the value of a key that is a number, with Fortran's exponents too.

        Raises:
            SolverError: the key is not there, or it is not a number.
        """
        word = self.get(key).split()[0]
        try:
            return float(word.lower().replace("d", "e"))
        except ValueError:
            raise SolverError(f"{self.path}: {key}: {word} is not a number") from None

    def with_values(self, values: Mapping[str, Value]) -> ParFile:
        """Return the file with other values; comments, order and alignment stay.

        Args:
            values: key -> value; numbers and true or false are written as Fortran reads them.

        Returns:
            The changed file.

        Raises:
            SolverError: a key is not there, or more than once.
        """
        lines = list(self.lines)
        for key, value in values.items():
            place = self._place(key)
            lines[place] = _changed(lines[place], _written(value))
        return ParFile(self.path, tuple(lines))

    def _places(self, key: str) -> list[int]:
        return [
            number
            for number, line in enumerate(self.lines)
            if (match := _LINE.match(line)) and match["key"] == key
        ]

    def _place(self, key: str) -> int:
        places = self._places(key)
        if len(places) > 1:
            numbers = ", ".join(str(place + 1) for place in places)
            raise SolverError(f"{self.path}: {key} is there more than once: lines {numbers}")
        if not places:
            keys = {match["key"] for line in self.lines if (match := _LINE.match(line))}
            near = difflib.get_close_matches(key, sorted(keys), n=1)
            hint = f"; there is {near[0]}" if near else ""
            raise SolverError(f"{self.path}: no key {key}{hint}")
        return places[0]


def _changed(line: str, value: str) -> str:
    match = _LINE.match(line)
    if match is None:
        return line
    before, old, after = match["before"], match["value"] or "", match["after"]
    if before.endswith("="):
        before += " "
    if not after.strip():
        return before + value
    # Comments stay in their column where there is room.
    space = len(old) + len(after) - len(after.lstrip())
    return before + value.ljust(space - 1) + " " + after.lstrip()


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return ".true." if value else ".false."
    if isinstance(value, float):
        return repr(value).replace("e", "d") if "e" in repr(value) else f"{value!r}d0"
    return str(value).encode().decode(_BYTES)
