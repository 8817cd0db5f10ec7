"""Numbers that members have returned, in a few figures each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median, quantiles
from typing import Final

_MOST: Final = 30


@dataclass(frozen=True)
class FactSummary:
    """One number of all members that have it.

    Attributes:
        name: its name.
        count: members that have it.
        smallest: the smallest.
        first_quarter: a quarter of them are below this.
        middle: the median.
        third_quarter: a quarter of them are above this.
        largest: the largest.
    """

    name: str
    count: int
    smallest: float
    first_quarter: float
    middle: float
    third_quarter: float
    largest: float


def summarise_facts(database: sqlite3.Connection, campaign: int) -> list[FactSummary]:
    """Return figures of the numbers that members of a campaign have returned.

    Args:
        database: the ledger.
        campaign: number of the campaign.

    Returns:
        One for each name, in the order in which they first appear, 30 at most.
    """
    values: dict[str, list[float]] = {}
    rows = database.execute(
        "SELECT facts FROM members WHERE campaign = ? AND facts <> '{}' ORDER BY id", (campaign,)
    )
    for (text,) in rows:
        for name, value in json.loads(text).items():
            if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
                values.setdefault(name, []).append(float(value))
    return [_summary(name, found) for name, found in [*values.items()][:_MOST]]


def _summary(name: str, values: Sequence[float]) -> FactSummary:
    if len(values) == 1:
        [only] = values
        return FactSummary(name, 1, only, only, only, only, only)
    first, _, third = quantiles(values, n=4, method="inclusive")
    return FactSummary(name, len(values), min(values), first, median(values), third, max(values))
