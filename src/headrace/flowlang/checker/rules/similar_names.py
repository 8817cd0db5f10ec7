"""Findings on names that are nearly those of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import Presence
from headrace.flowlang.checker.analysis.lookup import look
from headrace.flowlang.checker.analysis.referenced_paths import named_places
from headrace.flowlang.checker.analysis.uses import readings, state_loc
from headrace.flowlang.checker.report.finding import WARNING, Finding, Loc
from headrace.flowlang.checker.rules.undefined import written
from headrace.flowlang.paths import CONTEXT_NAME, Path

# Shorter names are near to too many others.
_SHORTEST: Final = 4
_MOST: Final = 2_000


def names(analysis: DataFlow) -> Iterator[Finding]:
    """Yield names that are written and not read, or read and not given, beside nearly equal ones.

    Args:
        analysis: the flow's situations.
    """
    read, exact, whole = _read(analysis)
    writers = list(_writers(analysis))
    results = {steps for _, steps in writers}
    if not whole:
        # An input may well be called like a result that nobody reads.
        meant = Counter({p: n for p, n in read.items() if p in results or not _given(analysis, p)})
        yield from _unread(read, exact, writers, meant)
    yield from _odd(analysis, read, results)


def _read(analysis: DataFlow) -> tuple[Counter[Steps], set[Steps], bool]:
    """Return what states read.

    Returns:
        How many states read each place, or something below it; the places themselves; and whether
        a state may read others too.
    """
    found: Counter[Steps] = Counter()
    exact: set[Steps] = set()
    whole = False
    for state in analysis.flow.states.values():
        places, all_of_it = named_places(state)
        whole = whole or all_of_it
        exact |= places
        found.update({p[:length] for p in places for length in range(1, len(p) + 1)})
    return found, exact, whole


def _writers(analysis: DataFlow) -> Iterator[tuple[Loc, Steps]]:
    for name, state in analysis.flow.states.items():
        path = getattr(state, "result_path", None)
        if isinstance(path, Path) and path.steps:
            yield (*state_loc(name), "ResultPath"), path.steps
        for number, catcher in enumerate(getattr(state, "catch", ())):
            if catcher.result_path.steps:
                yield (*state_loc(name), "Catch", number, "ResultPath"), catcher.result_path.steps


def _unread(
    read: Counter[Steps],
    exact: set[Steps],
    writers: list[tuple[Loc, Steps]],
    meant: Counter[Steps],
) -> Iterator[Finding]:
    for loc, steps in writers:
        # What is put into something that is read may be read with it.
        if steps in read or any(steps[:length] in exact for length in range(1, len(steps))):
            continue
        near = _near(steps, meant)
        if near is not None:
            yield Finding(
                WARNING,
                "near-miss-name",
                loc,
                f"{written(steps)} is written and never read, and {written(near)} is read",
                f"did you mean {written(near)}?",
            )


def _given(analysis: DataFlow, steps: Steps) -> bool:
    """Say whether an input brings something."""
    return any(
        look(situation.shape, steps).presence in (Presence.MAY, Presence.MUST)
        for situation in analysis.situations(analysis.flow.start_at)[:1]
    )


def _odd(analysis: DataFlow, read: Counter[Steps], given: set[Steps]) -> Iterator[Finding]:
    """Yield places of which nothing is known, and that are nearly called as others are."""
    told: set[Steps] = set()
    for name, state in analysis.flow.states.items():
        for situation in analysis.situations(name)[:1]:
            for reading in readings(state, situation, analysis.inferences):
                steps = reading.steps
                for length in range(1, len(steps) + 1):
                    part = steps[:length]
                    if part in told or part[0] == CONTEXT_NAME or not isinstance(part[-1], str):
                        continue
                    # A slip is made once; what several states read is meant.
                    if read[part] > 1 or part in given or not _unknown(analysis, name, part):
                        continue
                    others = Counter({p: n for p, n in read.items() if n > read[part]})
                    others.update(given)
                    near = _near(part, others)
                    if near is not None:
                        told.add(part)
                        yield Finding(
                            WARNING,
                            "near-miss-name",
                            reading.loc,
                            f"{written(part)} is read here, and {written(near)} elsewhere",
                            f"did you mean {written(near)}?",
                        )


def _unknown(analysis: DataFlow, name: str, steps: Steps) -> bool:
    found = [look(situation.shape, steps) for situation in analysis.situations(name)]
    return all(f.presence == Presence.UNKNOWN and f.depth == len(steps) for f in found)


def _near(steps: Steps, others: Counter[Steps]) -> Steps | None:
    name = steps[-1]
    if not isinstance(name, str) or len(others) > _MOST:
        return None
    for other in others:
        beside = len(other) == len(steps) and other[:-1] == steps[:-1]
        if beside and isinstance(other[-1], str) and is_slip(name, other[-1]):
            return other
    return None


def is_slip(one: str, other: str) -> bool:
    """Say whether two names differ as by one slip of the pen.

    One letter more, less, another or two exchanged; but names that are numbered, or lettered, are
    different on purpose.
    """
    if one == other or min(len(one), len(other)) < _SHORTEST or abs(len(one) - len(other)) > 1:
        return False
    if one[1:] == other[1:] and one[0].lower() == other[0].lower():
        return False  # people tell inputs and results apart like this
    if one.lower().replace("_", "") == other.lower().replace("_", ""):
        return True
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    left, right = one[start : len(one) - end], other[start : len(other) - end]
    if any(character.isdigit() for character in left + right):
        return False
    exchanged = len(left) == len(right) == 2 and left == right[::-1]
    if not exchanged and max(len(left), len(right)) > 1:
        return False
    return not (_is_label(one, start, end) or _is_label(other, start, end))


def _is_label(name: str, start: int, end: int) -> bool:
    """Say whether what differs stands alone, as the letter of ``point_a`` does."""
    before = name[start - 1 : start] if start else "_"
    after = name[len(name) - end : len(name) - end + 1] if end else "_"
    return before in "_- " and after in "_- "
