"""What open pages have shown since when, beside what was so: how long any of them was wrong.

A script in every page looks each 50 ms at some facts that the page shows and at whether the page
says that it is in contact; it reports what has changed. A page is wrong while it says so and shows
a fact that is not so any more, or says so while nothing behind it lives.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LOOK = """
(() => {
  let last = "";
  const number = (found) => Math.max(...found.map((each) => Number(each[1])), 0);
  function look() {
    const contact = document.getElementById("contact");
    const facts = {};
    const has = (action) => document.querySelector(`form[action$="/do/${action}"]`) !== null;
    const place = location.pathname;
    if (place.endsWith("/runs") && location.search.includes("tick")) {
      const main = document.getElementById("main");
      if (main && main.querySelector("table")) {
        facts.tick = number([...main.textContent.matchAll(/tick (\\d+)/g)]);
      }
    }
    if (place.endsWith("/triggers/records") && (has("pause") || has("resume"))) {
      facts.paused = has("resume");
    }
    if (place.endsWith("/web-inputs") && document.getElementById("questions")) {
      facts.questions = document.querySelectorAll("article.question").length;
    }
    if (place.includes("/runs/") && (has("hold") || has("release"))) {
      facts[`held ${place.split("/runs/")[1]}`] = has("release");
    }
    const isLive = contact !== null && contact.textContent.startsWith("In contact")
      && !document.body.classList.contains("stale");
    const now = JSON.stringify([isLive, facts]);
    if (now === last) return;
    last = now;
    tellShown({ place, at: Date.now() / 1000, isLive, facts });
  }
  setInterval(look, 50);
})();
"""


@dataclass
class Truth:
    """Values of a fact, each since when."""

    since: list[float] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, moment: float, value: Any) -> None:
        if not self.values or self.values[-1] != value:
            self.since.append(moment)
            self.values.append(value)

    def spans(self, begin: float, end: float) -> Iterator[tuple[float, float, Any]]:
        """Yield what was so between two moments."""
        place = max(0, bisect_right(self.since, begin) - 1)
        while place < len(self.since) and self.since[place] < end:
            upto = self.since[place + 1] if place + 1 < len(self.since) else end
            yield max(begin, self.since[place]), min(end, upto), self.values[place]
            place += 1


@dataclass(frozen=True)
class Lie:
    """That a page was wrong."""

    seconds: float
    what: str
    place: str
    at: float


class ShownFacts:
    """Collects what pages report and what is so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: dict[int, list[Mapping[str, Any]]] = {}
        self._truths: dict[str, Truth] = {}

    def tell(self, source: Any, report: Mapping[str, Any]) -> None:
        """Take a report of the page in a tab; it ends that of the one before."""
        with self._lock:
            self._shown.setdefault(id(source["page"]), []).append(report)

    def note(self, fact: str, moment: float, value: Any) -> None:
        """Note what is so from a moment on."""
        with self._lock:
            self._truths.setdefault(fact, Truth()).add(moment, value)

    def lies(self, end: float) -> list[Lie]:
        """Return each time that a page was wrong, until a moment."""
        found = []
        for reports in self._shown.values():
            for fact, truth in self._truths.items():
                found += self._lies_of(reports, fact, truth, end)
        return found

    def count_true(self) -> int:
        """Return how many open pages are in contact; 0 where any of them shows what is not so."""
        with self._lock:
            last = [reports[-1] for reports in self._shown.values() if reports[-1]["isLive"]]
            now = {fact: truth.values[-1] for fact, truth in self._truths.items()}
        wrong = any(_is_wrong(each, fact, now[fact]) for each in last for fact in now)
        return 0 if wrong else len(last)

    def _lies_of(
        self, reports: list[Mapping[str, Any]], fact: str, truth: Truth, end: float
    ) -> Iterator[Lie]:
        since: float | None = None
        upto = 0.0
        ends = [report["at"] for report in reports[1:]] + [end]
        for report, next_at in zip(reports, ends, strict=True):
            for begin, over, value in truth.spans(report["at"], next_at):
                if _is_wrong(report, fact, value):
                    since = begin if since is None else since
                    upto = over
                elif since is not None:
                    yield Lie(upto - since, fact, report["place"], since)
                    since = None
            if not report["isLive"] and since is not None:
                yield Lie(upto - since, fact, report["place"], since)
                since = None
        if since is not None:
            yield Lie(upto - since, fact, reports[-1]["place"], since)


def _is_wrong(report: Mapping[str, Any], fact: str, value: Any) -> bool:
    if not report["isLive"]:
        return False
    if fact.startswith("alive "):  # a page that says it is in contact while nothing is there
        return not value
    return fact in report["facts"] and report["facts"][fact] != value
