"""Trace viewer: traces of a channel with their fits, by pulses and chi-square."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from headrace.pipelines.data_runs.charts import LARGE, SMALL, counted_fit, trace
from headrace.pipelines.data_runs.known_runs import KnownRun, known_runs
from headrace.pipelines.data_runs.run_page import channels_of, index_note, refuse_absent
from headrace.web.errors import PageMissing, WebError
from headrace.web.page import Page, Part

if TYPE_CHECKING:
    from headrace.datarun.hit_index.index_file import HitIndex
    from headrace.datarun.hit_index.selection import HitFilter, HitKey
    from headrace.datarun.hit_index.traces import FittedTrace
    from headrace.web.view import View

PULSES: Final[Mapping[str, tuple[str, int | None]]] = {
    "any": ("any", None),
    "one": ("one pulse", 1),
    "two": ("two pulses (pile-up)", 2),
    "none": ("no fit", 0),
}
"""Choices of the filter by pulses: their words, and what they stand for."""

_OF_PULSES: Final = (
    ("position", "position", "samples"),
    ("amplitude", "amplitude A", "ADC units"),
    ("steepness", "steepness k1", "1/sample"),
    ("decay", "decay k2", "1/sample"),
)
_OF_FITS: Final = (
    ("offset", "offset C", "ADC units"),
    ("chi_square", "chi-square", ""),
    ("iterations", "iterations", ""),
    ("status", "status (0 converged)", ""),
)
_PAGE: Final = 50
_PACKAGE: Final = "headrace.pipelines.data_runs"


@dataclass(frozen=True)
class Choice:
    """Filter of the traces, as the form has it.

    Attributes:
        channel: name of the channel; empty where none is known.
        pulses: a key of `PULSES`.
        low: smallest chi-square a sample, as text.
        high: largest, as text.
    """

    channel: str
    pulses: str
    low: str
    high: str

    @classmethod
    def of(cls, view: View, channels: Mapping[str, int]) -> Choice:
        """Return the filter of a request.

        Args:
            view: the request.
            channels: names of the channels that there are.
        """
        wanted = view.query.get("channel", "")
        channel = wanted if wanted in channels else next(iter(channels), "")
        pulses = view.query.get("pulses", "any")
        limits = [view.query.get(name, "").strip()[:40] for name in ("low", "high")]
        return cls(channel, pulses if pulses in PULSES else "any", *limits)

    def query(self, **more: str) -> str:
        """Return it as the query of an address."""
        given = {
            "channel": self.channel,
            "pulses": self.pulses,
            "low": self.low,
            "high": self.high,
            **more,
        }
        return urlencode({key: value for key, value in given.items() if value})

    def hit_filter(self, channels: Mapping[str, int]) -> HitFilter:
        """Return the conditions that it stands for.

        Raises:
            WebError: a limit is no number.
        """
        from headrace.datarun.hit_index.selection import HitFilter

        low, high = (_number(text) for text in (self.low, self.high))
        return HitFilter(channels[self.channel], PULSES[self.pulses][1], low, high)


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise WebError(f"chi-square {text!r} is no number: write one such as 1.5")
    return value


def _load(view: View) -> Mapping[str, Any]:
    run = known_runs(view).find(view)
    return {
        "title": f"Traces of {run.status.name}",
        "address": run.address,
        "name": run.status.name,
    }


def _load_filter(view: View) -> Mapping[str, Any]:
    known = known_runs(view)
    run = known.find(view)
    refuse_absent(run)
    channels = channels_of(known.index_of(run))
    return {
        "address": f"{run.address}/traces",
        "channels": list(channels),
        "pulses": {key: words for key, (words, _) in PULSES.items()},
        "choice": Choice.of(view, channels),
    }


def _load_traces(view: View) -> Mapping[str, Any]:
    known = known_runs(view)
    run = known.find(view)
    refuse_absent(run)
    entries = known.index_of(run)
    channels = channels_of(entries)
    choice = Choice.of(view, channels)
    address = f"{run.address}/traces"
    shared = {"note": index_note(entries), "address": address, "choice": choice, "large": None}
    if not choice.channel:
        return {**shared, "traces": [], "matching": 0, "before": 0, "newer": None, "older": None}
    from headrace.datarun.hit_index.selection import HitKey, page_of_hits

    indexes = {number: entry.index for number, entry in entries.items() if entry.index is not None}
    wanted = choice.hit_filter(channels)
    if view.query.get("hit"):
        return {**shared, **_large(view, run, indexes, choice, wanted)}
    page = page_of_hits(
        indexes,
        wanted,
        after=HitKey.parse(view.query.get("after", "")),
        before=HitKey.parse(view.query.get("before", "")),
        size=_PAGE,
    )
    traces = _read(run, indexes, list(page.hits))
    return {
        **shared,
        "traces": [
            _small(key, record, traces[key], f"{address}?{choice.query(hit=str(key))}")
            for key, record in page.hits
        ],
        "matching": page.matching,
        "before": page.before,
        "newer": _link(address, choice, "before", page.newer),
        "older": _link(address, choice, "after", page.older),
    }


def _link(address: str, choice: Choice, name: str, key: HitKey | None) -> str | None:
    return f"{address}?{choice.query(**{name: str(key)})}" if key is not None else None


def _read(
    run: KnownRun, indexes: Mapping[int, HitIndex], hits: list[tuple[HitKey, Any]]
) -> dict[HitKey, FittedTrace]:
    """Return the traces of hits, each segment opened once."""
    from headrace.datarun.hit_index.traces import read_traces

    files = {each.number: each.best_file for each in run.segments}
    found: dict[HitKey, FittedTrace] = {}
    for segment in sorted({key.segment for key, _ in hits}):
        mine = [(key, record) for key, record in hits if key.segment == segment]
        read = read_traces(files[segment], indexes[segment].header, [record for _, record in mine])
        found.update(zip((key for key, _ in mine), read, strict=True))
    return found


def _small(key: HitKey, record: Any, shown: FittedTrace, address: str) -> dict[str, Any]:
    return {
        **_facts(key, record, shown),
        "address": address,
        "picture": trace(shown, SMALL, f"trace of hit {key}"),
    }


def _facts(key: HitKey, record: Any, shown: FittedTrace) -> dict[str, Any]:
    chi_square = None
    if shown.fit is not None:
        chi_square = float(record["double" if counted_fit(shown.fit) == "double" else "single"])
    return {
        "key": str(key),
        "segment": key.segment,
        "event": int(record["event"]),
        "energy": int(record["energy"]),
        "samples": int(record["samples"]),
        "pulses": int(record["pulses"]),
        "flagged": bool(record["flags"] & 1),
        "out_of_range": bool(record["flags"] & 2),
        "chi_square": chi_square,
    }


def _large(
    view: View,
    run: KnownRun,
    indexes: Mapping[int, HitIndex],
    choice: Choice,
    wanted: HitFilter,
) -> dict[str, Any]:
    from headrace.datarun.hit_index.selection import HitKey, find_hit, page_of_hits

    key = HitKey.parse(view.query["hit"])
    record = find_hit(indexes, wanted.channel, key) if key is not None else None
    if key is None or record is None:
        raise PageMissing(
            f"{run.status.name} has no hit {view.query['hit'][:40]!r} of channel {choice.channel}"
        )
    shown = _read(run, indexes, [(key, record)])[key]
    earlier = page_of_hits(indexes, wanted, before=key, size=1).hits
    later = page_of_hits(indexes, wanted, after=key, size=1).hits
    before = page_of_hits(indexes, wanted, after=key, size=1)
    address = f"{run.address}/traces"
    is_first = not earlier or earlier[0][0] >= key
    return {
        "large": {
            **_facts(key, record, shown),
            "picture": trace(shown, LARGE, f"trace of hit {key}, with its fits"),
            "fits": _fit_rows(shown),
            "p_double": None if shown.fit is None else float(shown.fit["p_double"]),
        },
        "traces": [],
        "matching": before.matching,
        "before": before.before,
        "newer": None if is_first else _link(address, choice, "hit", earlier[0][0]),
        "older": _link(address, choice, "hit", later[0][0]) if later else None,
        "all": f"{address}?{choice.query(after=str(_just_before(key) or ''))}",
    }


def _just_before(key: HitKey) -> HitKey | None:
    """Return a key after which this hit is the next one; None where it is the very first."""
    from headrace.datarun.hit_index.selection import HitKey

    if key.number:
        return HitKey(key.segment, key.number - 1)
    return HitKey(key.segment - 1, 9_999_999_999) if key.segment else None


def _fit_rows(shown: FittedTrace) -> list[dict[str, Any]]:
    """Return the parameters of both fits: a name, its unit, and one pulse, first, second."""
    if shown.fit is None:
        return []
    single, double = shown.fit["single"], shown.fit["double"]
    first, second = double["pulses"]
    rows = [(*words, (single[name], first[name], second[name])) for name, *words in _OF_PULSES]
    rows += [(*words, (single[name], double[name])) for name, *words in _OF_FITS]
    return [
        {"label": label, "unit": unit, "values": [f"{float(value):.6g}" for value in values]}
        for label, unit, values in rows
    ]


PAGE = Page(
    name="data_run_traces",
    path="/data-runs/{data_run}/traces",
    title="Traces",
    template=f"{_PACKAGE}:trace_page.html",
    load=_load,
    parts=(
        Part("filter", f"{_PACKAGE}:filter.html", _load_filter),
        Part("traces", f"{_PACKAGE}:traces.html", _load_traces, ("data_run",), 15.0),
    ),
)
