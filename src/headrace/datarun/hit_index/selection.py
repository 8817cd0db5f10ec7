"""Hits of a run by channel, pulses and chi-square, a page at a time by key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.hit_index.index_file import HitIndex

_KEY = re.compile(r"(\d{1,6})\.(\d{1,10})", re.ASCII)


@dataclass(frozen=True, order=True)
class HitKey:
    """Place of a hit in a run.

    Attributes:
        segment: number of its segment.
        number: of the hit in it.
    """

    segment: int
    number: int

    @classmethod
    def parse(cls, text: str) -> HitKey | None:
        """Return the key that a text is; None where it is none."""
        match = _KEY.fullmatch(text)
        return cls(int(match[1]), int(match[2])) if match else None

    def __str__(self) -> str:
        return f"{self.segment}.{self.number}"


@dataclass(frozen=True)
class HitFilter:
    """Conditions on hits.

    Attributes:
        channel: crate << 8 | slot << 4 | channel.
        pulses: 1 or 2 for fits that count as so many; 0 for hits without a fit; None for all.
        low: smallest chi-square a sample of the fit that counts; None for no limit.
        high: largest, likewise.
    """

    channel: int
    pulses: int | None = None
    low: float | None = None
    high: float | None = None

    def chosen(self, records: NDArray[np.void]) -> NDArray[np.int64]:
        """Return the places of the records that fulfil it, in order.

        Args:
            records: of its channel.
        """
        keep = np.ones(len(records), bool)
        if self.pulses is not None:
            keep &= records["pulses"] == self.pulses
        if self.low is not None or self.high is not None:
            value = chi_square(records)
            if self.low is not None:
                keep &= value >= self.low
            if self.high is not None:
                keep &= value <= self.high
        return np.flatnonzero(keep)


def chi_square(records: NDArray[np.void]) -> NDArray[np.float32]:
    """Return chi-square a sample of the fit that counts; not a number without a fit."""
    return np.asarray(np.where(records["pulses"] == 2, records["double"], records["single"]))


@dataclass(frozen=True)
class HitPage:
    """A page of hits.

    Attributes:
        hits: keys and records, in order.
        matching: how many fulfil the conditions in all.
        before: how many of these stand before the page.
    """

    hits: tuple[tuple[HitKey, np.void], ...]
    matching: int
    before: int

    @property
    def newer(self) -> HitKey | None:
        """Key before which the page before ends; None where this is the first."""
        return self.hits[0][0] if self.hits and self.before else None

    @property
    def older(self) -> HitKey | None:
        """Key after which the next page begins; None where this is the last."""
        more = self.before + len(self.hits) < self.matching
        return self.hits[-1][0] if self.hits and more else None


def page_of_hits(
    indexes: Mapping[int, HitIndex],
    wanted: HitFilter,
    *,
    after: HitKey | None = None,
    before: HitKey | None = None,
    size: int = 50,
) -> HitPage:
    """Return a page of the hits of a run that fulfil conditions.

    Args:
        indexes: number of a segment to its index.
        wanted: the conditions.
        after: the page begins behind this hit.
        before: the page ends ahead of this hit, where ``after`` is not given.
        size: hits of a page.
    """
    found = list(_matching(indexes, wanted))
    matching = sum(len(numbers) for _, numbers, _ in found)
    if after is not None:
        first = _place(found, after, "right")
    elif before is not None:
        first = max(_place(found, before, "left") - size, 0)
    else:
        first = 0
    hits: list[tuple[HitKey, np.void]] = []
    passed = 0
    for segment, numbers, records in found:
        start = min(max(first - passed, 0), len(numbers))
        for place in numbers[start : start + size - len(hits)].tolist():
            record = records[place]
            hits.append((HitKey(segment, int(record["number"])), record))
        passed += len(numbers)
    return HitPage(tuple(hits), matching, min(first, matching))


def find_hit(indexes: Mapping[int, HitIndex], channel: int, key: HitKey) -> np.void | None:
    """Return the record of a hit; None where its segment has no such hit of the channel."""
    index = indexes.get(key.segment)
    if index is None:
        return None
    records = index.of_channel(channel)
    place = int(np.searchsorted(records["number"], key.number))
    if place == len(records) or int(records["number"][place]) != key.number:
        return None
    record: np.void = records[place]
    return record


_Found = tuple[int, NDArray[np.int64], NDArray[np.void]]


def _matching(indexes: Mapping[int, HitIndex], wanted: HitFilter) -> Iterator[_Found]:
    for segment in sorted(indexes):
        records = indexes[segment].of_channel(wanted.channel)
        yield segment, wanted.chosen(records), records


def _place(found: list[_Found], key: HitKey, side: str) -> int:
    """Return how many matching hits stand before a key."""
    passed = 0
    for segment, numbers, records in found:
        if segment < key.segment:
            passed += len(numbers)
        elif segment == key.segment:
            place = np.searchsorted(records["number"][numbers], key.number)
            passed += int(place)
            is_there = place < len(numbers) and records["number"][numbers[place]] == key.number
            passed += int(side == "right" and bool(is_there))
    return passed
