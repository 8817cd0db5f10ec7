"""The table ``[keep]``: how long scratch is kept, and where results are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from headrace._internal.durations import parse_duration
from headrace._internal.settings import InvalidValue, Key, Text, table_of
from headrace.campaigns.tables.kinds import TEXT, DirectoryOfCollection

UNTIL_PULLED: Final = "until pulled"
ALWAYS: Final = "always"


class _Keep(Text):
    """``until pulled``, ``always``, or a time; it is read as the text."""

    def __init__(self) -> None:
        super().__init__(
            empty=False, expected='"until pulled", "always" or a time such as "7 days"'
        )

    def parse(self, value: Any) -> str:
        """Return the text."""
        text = super().parse(value)
        if text in (UNTIL_PULLED, ALWAYS):
            return text
        try:
            parse_duration(text)
        except ValueError:
            raise InvalidValue(self.expected) from None
        return text


@dataclass(frozen=True)
class ResultsPlaceTable:
    """The table ``[keep.results]``: the directory in which results are shown."""

    collection: Annotated[str, Key("Collection of headrace.toml.", kind=TEXT)]
    path: Annotated[
        str,
        Key(
            "Directory there, from the collection's root.",
            kind=DirectoryOfCollection(),
            default="/campaigns/NAME/",
        ),
    ] = ""


@dataclass(frozen=True)
class KeepTable:
    """The table ``[keep]``: how long scratch is kept, and where results are shown."""

    scratch: Annotated[
        str,
        Key(
            "How long a member's scratch directory is kept where it ran: until its results were "
            "transferred back, a time after its end, or always.",
            kind=_Keep(),
            example='scratch = "7 days"',
        ),
    ] = UNTIL_PULLED
    results: Annotated[
        ResultsPlaceTable | None,
        Key("Directory with the table, the log and links to what members brought back."),
    ] = None

    @property
    def scratch_seconds(self) -> float | None:
        """Time for which scratch is kept after a member's end, s; None where it is no time."""
        return None if self.scratch in (UNTIL_PULLED, ALWAYS) else parse_duration(self.scratch)


KEEP: Final = table_of(KeepTable)
