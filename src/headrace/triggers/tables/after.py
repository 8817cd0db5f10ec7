"""The table ``[after]``: the ends of runs that are arrivals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from headrace._internal.settings import Integer, InvalidValue, Key, Kind, table_of
from headrace.triggers.tables.kinds import TEXT, QuotedChoice, seconds

# Runs that follow each other, each started by the end of another, where no number is given.
DEFAULT_DEPTH: Final = 10


class _Names(Kind):
    """Names of flows, one or several; they are read as a tuple."""

    expected = "the name of a flow, or a list of them"

    def parse(self, value: Any) -> tuple[str, ...]:
        """Return the names."""
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not names:
            raise InvalidValue(self.expected)
        if not all(isinstance(one, str) and one for one in names):
            raise InvalidValue(self.expected)
        return tuple(dict.fromkeys(names))

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the names."""
        text = {"type": "string", "minLength": 1}
        return {"anyOf": [text, {"type": "array", "items": text, "minItems": 1}]}


@dataclass(frozen=True)
class AfterTable:
    """The table ``[after]``: the ends of runs that are arrivals."""

    flow: Annotated[
        tuple[str, ...],
        Key("Name of the flow whose runs are followed, or a list of names.", kind=_Names()),
    ]
    status: Annotated[
        Literal["SUCCEEDED", "FAILED", "ENDED", "any"],
        Key(
            "Status that a run ends with to be an arrival.",
            kind=QuotedChoice(("SUCCEEDED", "FAILED", "ENDED", "any")),
        ),
    ] = "SUCCEEDED"
    label: Annotated[
        str | None,
        Key("Pattern of the run's label; * is any text.", kind=TEXT, default="any label"),
    ] = None
    tag: Annotated[
        str | None,
        Key("Pattern of one of the run's tags; * is any text.", kind=TEXT, default="any tags"),
    ] = None
    interval: Annotated[
        float,
        Key(
            "Time between two questions to the service; at globus 15 s or more.",
            kind=seconds(0.05),
            unit="s",
        ),
    ] = 10.0
    existing: Annotated[
        Literal["run", "skip"],
        Key(
            "What becomes of runs that had ended before the trigger was ever watched.",
            kind=QuotedChoice(("run", "skip")),
        ),
    ] = "skip"
    max_depth: Annotated[
        int | None,
        Key(
            "Number of runs in a row, each started by the end of the one before, after which no "
            "further one is started.",
            kind=Integer(1),
            default=str(DEFAULT_DEPTH),
        ),
    ] = None

    @property
    def depth_limit(self) -> int:
        """Number of runs in a row, each started by the end of the one before."""
        return DEFAULT_DEPTH if self.max_depth is None else self.max_depth

    @property
    def text(self) -> str:
        """The ends that these are, for people and for the ledger."""
        parts = [f"after {', '.join(self.flow)}: {self.status}"]
        parts += [f"label {self.label}"] if self.label is not None else []
        parts += [f"tag {self.tag}"] if self.tag is not None else []
        return ", ".join(parts)


AFTER: Final = table_of(AfterTable)
