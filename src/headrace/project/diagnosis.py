"""What was found of one thing that a run needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Health = Literal["good", "warning", "bad", "not checked"]


@dataclass(frozen=True)
class Diagnosis:
    """What was found of one thing.

    Attributes:
        what: the thing, such as ``endpoint simulation``.
        health: how it is.
        words: what is the matter, and the way out; what was seen where all is well.
    """

    what: str
    health: Health
    words: str
