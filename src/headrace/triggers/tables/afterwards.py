"""The table ``[afterwards]``: what is done with an arrival whose run has succeeded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from headrace._internal.settings import Key, Place, table_of
from headrace.triggers.tables.kinds import FileName, PathBelowRoot


@dataclass(frozen=True)
class AfterwardsTable:
    """The table ``[afterwards]``: what is done with an arrival whose run has succeeded."""

    move: Annotated[
        str | None,
        Key(
            "Directory that it is moved to, from the collection's root, on the same file system.",
            kind=PathBelowRoot(empty=False, expected="a text"),
            example='move = "/done/"',
        ),
    ] = None
    arrives: Annotated[
        bool,
        Key("Whether what was moved is an arrival for triggers that watch that directory."),
    ] = False
    mark: Annotated[
        str | None,
        Key(
            "Name of a file that is made in it; for a file, beside it: with its name before.",
            kind=FileName(empty=False, expected="a text"),
            example='mark = "PROCESSED"',
        ),
    ] = None

    def __bool__(self) -> bool:
        """Tell whether anything is done."""
        return self.move is not None or self.mark is not None


def _check(afterwards: AfterwardsTable, place: Place) -> None:
    if afterwards.move is not None and afterwards.mark is not None:
        place.child("mark").refused("an arrival is moved or marked, not both: remove one")


AFTERWARDS: Final = table_of(AfterwardsTable, check=_check)
