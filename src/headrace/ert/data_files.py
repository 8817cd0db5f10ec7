"""Files of the unified data format, as far as they are looked at without a library.

Comments begin with ``#``. The first number is that of the electrodes, one line for each follows;
then the number of data, and one line for each. Source:
http://resistivity.net/bert/data_format.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headrace.ert.errors import ErtError

FILE_SUFFIXES: Final = (".dat", ".ohm", ".shm", ".udf")
"""Suffixes of data files."""

# What an inversion leaves beside its data.
_OF_RESULTS: Final = frozenset({"response.dat"})


def find_data_file(directory: Path, pattern: str = "") -> Path | None:
    """Return the data file of a directory; None where it has none.

    Files of other formats have the same suffixes: only one that begins as this format does counts.

    Args:
        directory: the directory; those below it do not count.
        pattern: name or shell pattern of the file; empty: one with one of `FILE_SUFFIXES`.

    Raises:
        ErtError: there are several.
    """
    found = [path for path in candidates(directory, pattern) if is_data_file(path)]
    if len(found) > 1:
        raise ErtError(
            f"{directory}: {len(found)} data files, {found[0].name} and {found[1].name}: name one "
            "by data in [pygimli]"
        )
    return found[0] if found else None


def candidates(directory: Path, pattern: str = "") -> list[Path]:
    """Return the files that may be the data file, by their names, sorted.

    Args:
        directory: the directory.
        pattern: as of `find_data_file`.
    """
    if pattern:
        return sorted(path for path in directory.glob(pattern) if path.is_file())
    return sorted(
        path
        for path in directory.iterdir()
        if path.suffix.lower() in FILE_SUFFIXES
        and path.name not in _OF_RESULTS
        and not path.name.startswith(".")
        and path.is_file()
    )


def is_data_file(path: Path) -> bool:
    """Return whether a file begins as one of the unified data format."""
    try:
        return declared_data(path) >= 0
    except ErtError:
        return False


def declared_data(path: Path) -> int:
    """Return how many data a file says that it has.

    Raises:
        ErtError: it cannot be read, or is no file of this format.
    """
    try:
        lines = _lines(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise ErtError(f"{path}: {error.strerror}") from error
    try:
        for _ in range(int(next(lines))):
            next(lines)
        return int(next(lines))
    except (ValueError, StopIteration):
        raise ErtError(
            f"{path}: no file of the unified data format: first the number of electrodes, one line "
            "for each, then the number of data"
        ) from None


def _lines(text: str) -> Iterator[str]:
    """Yield the lines without comments; an iterator, which goes on where it was left."""
    return iter([line for raw in text.splitlines() if (line := raw.partition("#")[0].strip())])
