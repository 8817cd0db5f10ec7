"""Triggers that bring each other arrivals, in a circle that would start runs without end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from headrace.triggers.trigger import Trigger

Follows = Callable[[Trigger, Trigger], bool]
"""Tells whether what a trigger does brings another one an arrival."""


def move_cycles(triggers: Iterable[Trigger]) -> list[list[Trigger]]:
    """Find circles of triggers, each of which moves arrivals to where the next one watches.

    Args:
        triggers: the triggers.

    Returns:
        the triggers of each circle, in order; each circle once.
    """
    return _cycles(triggers, _moves_to)


def chain_cycles(triggers: Iterable[Trigger]) -> list[list[Trigger]]:
    """Find circles of triggers, each of which starts a run at whose end the next one starts one.

    Args:
        triggers: the triggers.

    Returns:
        the triggers of each circle of which none says how long it may be, in order; each once.
    """
    found = _cycles([one for one in triggers if one.after is not None], _starts)
    return [cycle for cycle in found if not any(map(_says_depth, cycle))]


def _cycles(triggers: Iterable[Trigger], follows: Follows) -> list[list[Trigger]]:
    known = list(triggers)
    found: dict[frozenset[str], list[Trigger]] = {}
    for first in known:
        for path in _paths([first], known, follows):
            found.setdefault(frozenset(one.name for one in path), path)
    return list(found.values())


def _paths(path: list[Trigger], known: list[Trigger], follows: Follows) -> Iterator[list[Trigger]]:
    """Yield the ways from the last trigger of a path back to its first."""
    last = path[-1]
    for after in known:
        if not follows(last, after):
            continue
        if after is path[0]:
            yield path
        elif after not in path:
            yield from _paths([*path, after], known, follows)


def _moves_to(trigger: Trigger, other: Trigger) -> bool:
    """Tell whether what a trigger moves arrives where another one watches."""
    folder = trigger.afterwards.move
    if folder is None or not other.watches_directory:
        return False
    target, watched = (trigger.root / folder.strip("/")).resolve(), other.directory.resolve()
    if not target.is_relative_to(watched):
        return False
    if len(target.relative_to(watched).parts) != other.depth - 1:
        return False
    # The ledger knows what was moved by its path in its collection, and by no other.
    known = trigger.collection == other.collection and folder.startswith(other.path)
    return trigger.afterwards.arrives or not known


def _starts(trigger: Trigger, other: Trigger) -> bool:
    """Tell whether another one follows the runs that a trigger starts."""
    return other.after is not None and trigger.flow in other.after.flow


def _says_depth(trigger: Trigger) -> bool:
    return trigger.after is not None and trigger.after.max_depth is not None
