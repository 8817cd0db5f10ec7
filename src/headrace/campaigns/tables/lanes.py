"""The tables ``[lanes.NAME]``: endpoints with a limit, on which members run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Final

from headrace._internal.durations import parse_duration
from headrace._internal.settings import (
    FreeTable,
    Integer,
    InvalidValue,
    Key,
    Kind,
    Named,
    Number,
    table_of,
)
from headrace.campaigns.tables.kinds import TEXTS, Counts, Duration

DEFAULT_LANE: Final = "default"
"""Name of the lane of a campaign whose file has none; its members' inputs name endpoints."""

ANY_CATEGORY: Final = "any"
LANE_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"


class _PlainValue(Kind):
    """A text, a number or a truth value."""

    expected = "a text, a number or true or false"

    def parse(self, value: Any) -> str | int | float | bool:
        """Return the value."""
        if not isinstance(value, str | int | float):
            raise InvalidValue(self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the value."""
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True)
class LaneTable:
    """A table ``[lanes.NAME]``: an endpoint with a limit."""

    endpoint: Annotated[
        str,
        Key(
            "Endpoint of headrace.toml: {endpoint} in templates.",
            default="none: inputs name endpoints themselves",
        ),
    ] = ""
    collection: Annotated[
        str,
        Key("Collection that its jobs see: {lane_collection} in templates.", default="none"),
    ] = ""
    profile: Annotated[
        str,
        Key("Profile of headrace.toml under which these names are read.", default="the one in use"),
    ] = ""
    open: Annotated[
        int | None,
        Key(
            "Members that run there at most.",
            kind=Integer(0),
            default="any number",
            example="open = 60",
        ),
    ] = None
    takes: Annotated[
        tuple[str, ...],
        Key(
            "Categories of members that may run there; any is that of members that have none.",
            kind=TEXTS,
            default="all",
            example='takes = ["gpu", "any"]',
        ),
    ] = ()
    weight: Annotated[
        float,
        Key(
            "Share of the members under way, among the lanes that may take a member.",
            kind=Number(0.0, 1e6),
        ),
    ] = 1.0
    values: Annotated[
        Mapping[str, Any],
        Key(
            "Further placeholders: {lane.KEY}.",
            kind=FreeTable(_PlainValue()),
            example='values = { partition = "gpu" }',
        ),
    ] = field(default_factory=dict)
    licences: Annotated[
        Mapping[str, int],
        Key(
            "Licences that there are for members there, by name.",
            kind=Counts(),
            example="licences = { matlab = 2 }",
        ),
    ] = field(default_factory=dict)
    lost_after: Annotated[
        str,
        Key(
            "Time without its endpoint after which it is lost, and its members go to other lanes.",
            kind=Duration(),
        ),
    ] = "10 min"
    name: str = DEFAULT_LANE

    @cached_property
    def lost_after_seconds(self) -> float:
        """Time without its endpoint after which it is lost, s."""
        return parse_duration(self.lost_after)

    def takes_category(self, category: str) -> bool:
        """Tell whether a member of a category may run here.

        Args:
            category: the member's; "": it has none.
        """
        return not self.takes or (category or ANY_CATEGORY) in self.takes


LANES: Final = Named(table_of(LaneTable), LANE_NAME, "use letters, digits, - and _, 64 at most")
