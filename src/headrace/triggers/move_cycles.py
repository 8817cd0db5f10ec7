"""Triggers that move arrivals to each other, in a circle that would start runs without end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headrace.triggers.trigger import Trigger


def move_cycles(triggers: Iterable[Trigger]) -> list[list[Trigger]]:
    """Find circles of triggers, each of which moves arrivals to where the next one watches.

    Args:
        triggers: the triggers.

    Returns:
        the triggers of each circle, in order; each circle once.
    """
    known = list(triggers)
    found: dict[frozenset[str], list[Trigger]] = {}
    for first in known:
        for path in _paths([first], known):
            found.setdefault(frozenset(one.name for one in path), path)
    return list(found.values())


def _paths(path: list[Trigger], known: list[Trigger]) -> Iterator[list[Trigger]]:
    """Yield the ways from the last trigger of a path back to its first."""
    last = path[-1]
    for after in known:
        if not _moves_to(last, after):
            continue
        if after is path[0]:
            yield path
        elif after not in path:
            yield from _paths([*path, after], known)


def _moves_to(trigger: Trigger, other: Trigger) -> bool:
    """Tell whether what a trigger moves arrives where another one watches."""
    folder = trigger.afterwards.move
    if folder is None or other.every is not None:
        return False
    target, watched = (trigger.root / folder.strip("/")).resolve(), other.directory.resolve()
    if not target.is_relative_to(watched):
        return False
    if len(target.relative_to(watched).parts) != other.depth - 1:
        return False
    # The ledger knows what was moved by its path in its collection, and by no other.
    known = trigger.collection == other.collection and folder.startswith(other.path)
    return trigger.afterwards.arrives or not known
