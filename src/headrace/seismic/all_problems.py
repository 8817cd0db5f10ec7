"""Problems of many traces said once each, so that one message tells all that must be decided."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.seismic.station import TraceResult


def distinct_problems(
    results: Sequence[TraceResult], unusable: Sequence[tuple[str, str]] = ()
) -> list[str]:
    """Collect the different problems of an event.

    Problems that differ in the names of files and stations only are one; the first is told as it
    is.

    Args:
        results: of all traces.
        unusable: files that belong to no station: name and problem.

    Returns:
        One line a problem, the commonest first, with how many traces have it.
    """
    first: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name, problem in unusable:
        key = problem.replace(name, "")
        first.setdefault(key, problem)
        counts[key] = counts.get(key, 0) + 1
    for found in results:
        for problem in (found.problem or "").split("; and "):
            if problem:
                key = _without_names(problem, found)
                first.setdefault(key, f"{found.station}.{found.component}: {problem}")
                counts[key] = counts.get(key, 0) + 1
    ordered = sorted(first, key=lambda key: -counts[key])
    return [
        first[key] + (f" (and {counts[key] - 1} more like it)" if counts[key] > 1 else "")
        for key in ordered
    ]


def _without_names(problem: str, found: TraceResult) -> str:
    files = (found.pair.observed, found.pair.synthetic) if found.pair else ()
    names = [found.station, f".{found.component}"]
    names += [name for file in files if file for name in (file.path.name, file.id)]
    for name in sorted(names, key=len, reverse=True):
        problem = problem.replace(name, "")
    return problem
