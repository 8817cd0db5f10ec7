"""The table ``[failure]``: what follows where the run of an arrival fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from headrace._internal.settings import Integer, Key, table_of
from headrace.triggers.tables.kinds import QuotedChoice, seconds


@dataclass(frozen=True)
class FailureTable:
    """The table ``[failure]``: what follows where the run of an arrival fails."""

    attempts: Annotated[
        int,
        Key(
            "Runs of an arrival at most: each takes up the one before, as `headrace run retry` "
            "does.",
            kind=Integer(1),
        ),
    ] = 1
    backoff: Annotated[
        float,
        Key(
            "Time before the second run, doubled before each further one, to an hour at most.",
            kind=seconds(0.0),
            unit="s",
        ),
    ] = 60.0
    code_errors: Annotated[
        bool, Key("Whether a run that failed by an error of the code is taken up, too.")
    ] = False
    then: Annotated[
        Literal["continue", "hold"],
        Key(
            "After the last of them: whether the trigger goes on with other arrivals, or starts "
            "nothing until `headrace trigger resume`.",
            kind=QuotedChoice(("continue", "hold")),
        ),
    ] = "continue"


FAILURE: Final = table_of(FailureTable)
