"""Findings on names that are misspelt: nearly those of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from headrace.flowlang.checker.analysis.abstract_state import Steps
from headrace.flowlang.checker.analysis.dataflow import DataFlow
from headrace.flowlang.checker.analysis.json_types import Presence
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.analysis.referenced_paths import referenced_paths
from headrace.flowlang.checker.analysis.uses import state_loc, uses
from headrace.flowlang.checker.report.finding import WARNING, Finding, Loc
from headrace.flowlang.checker.rules.registry import RuleContext, rule
from headrace.flowlang.checker.rules.undefined import path_text
from headrace.flowlang.paths import CONTEXT_NAME, Path

# Shorter names are near to too many others.
_MIN_LENGTH: Final = 4
_MAX_NAMES: Final = 2_000


@rule("near-miss-name", WARNING)
def similar_names(context: RuleContext) -> Iterator[Finding]:
    """Yield names that are only written, or only read, beside nearly equal ones."""
    analysis = context.analysis
    read, exact, reads_all = _read(analysis)
    writers = list(_writers(analysis))
    results = {steps for _, steps in writers}
    if not reads_all:
        # An input may have a name like that of a result that nobody reads.
        candidates = Counter(
            {p: n for p, n in read.items() if p in results or not _given(analysis, p)}
        )
        yield from _unread(read, exact, writers, candidates)
    yield from _unknown_names(analysis, read, results)


def _read(analysis: DataFlow) -> tuple[Counter[Steps], set[Steps], bool]:
    """Return the paths that states read.

    Returns:
        How many states read each place, or something below it; the places themselves; and whether
        a state may read others too.
    """
    found: Counter[Steps] = Counter()
    exact: set[Steps] = set()
    reads_all = False
    for state in analysis.flow.states.values():
        places, state_reads_all = referenced_paths(state)
        reads_all = reads_all or state_reads_all
        exact |= places
        found.update({p[:length] for p in places for length in range(1, len(p) + 1)})
    return found, exact, reads_all


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
    candidates: Counter[Steps],
) -> Iterator[Finding]:
    for loc, steps in writers:
        # What is put into something that is read may be read with it.
        if steps in read or any(steps[:length] in exact for length in range(1, len(steps))):
            continue
        near = _near(steps, candidates)
        if near is not None:
            yield Finding(
                WARNING,
                "near-miss-name",
                loc,
                f"{path_text(steps)} is written and never read, and {path_text(near)} is read",
                f"did you mean {path_text(near)}?",
            )


def _given(analysis: DataFlow, steps: Steps) -> bool:
    """Say whether an input has a value at a path."""
    return any(
        get(entry_state.payload, steps).presence in (Presence.MAY, Presence.MUST)
        for entry_state in analysis.states_at(analysis.flow.start_at)[:1]
    )


def _unknown_names(
    analysis: DataFlow, read: Counter[Steps], given: set[Steps]
) -> Iterator[Finding]:
    """Yield paths of which nothing is known, and whose names are nearly those of others."""
    reported: set[Steps] = set()
    for name, state in analysis.flow.states.items():
        for entry_state in analysis.states_at(name)[:1]:
            for use in uses(state, entry_state, analysis.inferences):
                steps = use.steps
                for length in range(1, len(steps) + 1):
                    part = steps[:length]
                    if part in reported or part[0] == CONTEXT_NAME or not isinstance(part[-1], str):
                        continue
                    # A typing error occurs once; what several states read is intended.
                    if read[part] > 1 or part in given or not _unknown(analysis, name, part):
                        continue
                    others = Counter({p: n for p, n in read.items() if n > read[part]})
                    others.update(given)
                    near = _near(part, others)
                    if near is not None:
                        reported.add(part)
                        yield Finding(
                            WARNING,
                            "near-miss-name",
                            use.loc,
                            f"{path_text(part)} is read here, and {path_text(near)} elsewhere",
                            f"did you mean {path_text(near)}?",
                        )


def _unknown(analysis: DataFlow, name: str, steps: Steps) -> bool:
    found = [get(entry_state.payload, steps) for entry_state in analysis.states_at(name)]
    return all(f.presence == Presence.UNKNOWN and f.depth == len(steps) for f in found)


def _near(steps: Steps, others: Counter[Steps]) -> Steps | None:
    name = steps[-1]
    if not isinstance(name, str) or len(others) > _MAX_NAMES:
        return None
    for other in others:
        beside = len(other) == len(steps) and other[:-1] == steps[:-1]
        if beside and isinstance(other[-1], str) and is_slip(name, other[-1]):
            return other
    return None


def is_slip(one: str, other: str) -> bool:
    """Say whether two names differ by one typing error.

    One letter more, less, another or two exchanged; but names that are numbered, or lettered, are
    different on purpose.
    """
    if one == other or min(len(one), len(other)) < _MIN_LENGTH or abs(len(one) - len(other)) > 1:
        return False
    if one[1:] == other[1:] and one[0].lower() == other[0].lower():
        return False  # people distinguish inputs and results like this
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
    """Say whether the difference is a label of its own, as the letter of ``point_a`` is."""
    before = name[start - 1 : start] if start else "_"
    after = name[len(name) - end : len(name) - end + 1] if end else "_"
    return before in "_- " and after in "_- "
