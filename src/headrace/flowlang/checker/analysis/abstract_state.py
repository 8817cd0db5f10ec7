"""What can be known when a run comes to a state: a payload's shape, and rules that held before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.flowlang.checker.analysis.json_types import Presence, Shape, join
from headrace.flowlang.checker.analysis.lookup import look
from headrace.flowlang.checker.report.finding import Loc
from headrace.flowlang.paths import CONTEXT_NAME, Step

Steps = tuple[Step, ...]
# Variable, operator, operand, and the operand's steps where it is a path.
Atom = tuple[Steps, str, Any, Steps]
Fact = tuple[Atom, bool]


@dataclass(frozen=True)
class Loss:
    """A state that replaced the whole payload without being told to.

    Attributes:
        loc: the state, or its catcher.
        before: the payload that was lost.
        documented: members of what has taken its place.
    """

    loc: Loc
    before: Shape = field(compare=False)
    documented: frozenset[str] = field(compare=False)


@dataclass(frozen=True)
class Trail:
    """How a situation came about: where from, or of which it was joined."""

    state: str
    sources: tuple[Situation, ...]


@dataclass(frozen=True)
class Situation:
    """One way in which a run can come to a state.

    Attributes:
        shape: what is known of the payload.
        facts: rules that are known to hold, or not to.
        loss: who replaced the payload last, without being told to.
        trail: how it came about.
    """

    shape: Shape
    facts: frozenset[Fact] = frozenset()
    loss: Loss | None = None
    trail: Trail | None = field(default=None, compare=False, repr=False)

    def knows(self, atom: Atom) -> bool | None:
        """Return whether a rule is known to hold, or not to."""
        if (atom, True) in self.facts:
            return True
        return False if (atom, False) in self.facts else None

    def learns(self, shape: Shape, atom: Atom | None = None, holds: bool = True) -> Situation:
        """Return the situation with more known."""
        facts = self.facts if atom is None else self.facts | {(atom, holds)}
        if shape is self.shape and facts is self.facts:
            return self
        return replace(self, shape=shape, facts=facts)

    def writes(self, shape: Shape, steps: Steps) -> Situation:
        """Return the situation after something was written at a place."""
        facts = frozenset(f for f in self.facts if not _hangs_on(f[0], steps))
        return replace(self, shape=shape, facts=facts, loss=self.loss if steps else None)


def _hangs_on(atom: Atom, steps: Steps) -> bool:
    return _overlap(atom[0], steps) or (bool(atom[3]) and _overlap(atom[3], steps))


def _overlap(one: Steps, other: Steps) -> bool:
    if one[:1] == (CONTEXT_NAME,):
        return False
    for left, right in zip(one, other, strict=False):
        # Items by number may be the same one from either end.
        if isinstance(left, str) and isinstance(right, str) and left != right:
            return False
    return True


def added(known: Sequence[Situation], new: Situation, most: int) -> list[Situation] | None:
    """Return the situations of a state with one more; None if it tells nothing new.

    Args:
        known: those that were known.
        new: one more way to come to the state.
        most: how many are told apart; beyond, two are joined.
    """
    if any(covers(old, new) for old in known):
        return None
    kept = [old for old in known if not covers(new, old)]
    if len(kept) < most:
        return [*kept, new]
    last = joined(kept[-1], new)
    return None if covers(kept[-1], last) else [*kept[:-1], last]


def covers(one: Situation, other: Situation) -> bool:
    """Say whether one situation tells all that the other does.

    One of which nothing is known covers none but its like: what is known of others is worth
    telling.
    """
    return one.loss == other.loss and one.facts <= other.facts and one.shape == other.shape


def joined(one: Situation, other: Situation) -> Situation:
    """Return what is known in either situation."""
    state = one.trail.state if one.trail is not None else ""
    return Situation(
        join(one.shape, other.shape),
        one.facts & other.facts,
        one.loss if one.loss == other.loss else None,
        Trail(state, (*_parts(one), *_parts(other))[-12:]),
    )


def _parts(situation: Situation) -> tuple[Situation, ...]:
    trail = situation.trail
    if trail is not None and len(trail.sources) > 1:
        return trail.sources
    return (situation,)


def route(situation: Situation, steps: Steps) -> list[str]:
    """Return a route on which a place was left empty: the states before this one."""
    names: list[str] = []
    current: Situation | None = situation
    for _ in range(5_000):
        if current is None or current.trail is None:
            break
        state, sources = current.trail.state, current.trail.sources
        if len(sources) > 1:
            current = next((s for s in sources if _lacks(s, steps)), sources[0])
        else:
            names.append(state)
            current = sources[0]
    names.reverse()
    return list(_without_turns(names))


def _lacks(situation: Situation, steps: Steps) -> bool:
    return look(situation.shape, steps).presence < Presence.UNKNOWN


def _without_turns(names: list[str]) -> Iterator[str]:
    # A turn in a loop that left the place empty is not worth telling.
    last = {name: number for number, name in enumerate(names)}
    position = 0
    while position < len(names):
        yield names[position]
        position = last[names[position]] + 1
