"""Abstract state: what is known of a payload, and which rules held, when a run enters a state.

The states of the abstract interpreter. They are joined where paths of a flow meet; the lattice of
their payloads is that of :mod:`~headrace.flowlang.checker.analysis.json_types`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.flowlang.checker.analysis.json_types import JsonType, Presence
from headrace.flowlang.checker.analysis.lattice import join
from headrace.flowlang.checker.analysis.lookup import get
from headrace.flowlang.checker.report.finding import Loc
from headrace.flowlang.paths import CONTEXT_NAME, Step

Steps = tuple[Step, ...]
# Variable, operator, operand, and the operand's steps where it is a path.
Atom = tuple[Steps, str, Any, Steps]
Fact = tuple[Atom, bool]


@dataclass(frozen=True)
class Overwrite:
    """A state that replaced the whole payload because it has no ResultPath.

    Attributes:
        loc: the state, or its catcher.
        before: the payload that it replaced.
        documented: members of the new payload.
    """

    loc: Loc
    before: JsonType = field(compare=False)
    documented: frozenset[str] = field(compare=False)


@dataclass(frozen=True)
class Provenance:
    """Provenance of an abstract state: its predecessor, or the states that were joined."""

    state: str
    sources: tuple[AbstractState, ...]


@dataclass(frozen=True)
class AbstractState:
    """Set of concrete states with which a run can enter a state of the flow.

    Attributes:
        payload: type of the payload.
        facts: rules that are known to hold, or not to.
        overwrite: the last state that replaced the whole payload, if one did.
        provenance: where it came from.
    """

    payload: JsonType
    facts: frozenset[Fact] = frozenset()
    overwrite: Overwrite | None = None
    provenance: Provenance | None = field(default=None, compare=False, repr=False)

    def truth_of(self, atom: Atom) -> bool | None:
        """Return whether a rule is known to hold, or not to."""
        if (atom, True) in self.facts:
            return True
        return False if (atom, False) in self.facts else None

    def refine(
        self, payload: JsonType, atom: Atom | None = None, holds: bool = True
    ) -> AbstractState:
        """Return the abstract state with a narrower payload, and one more fact."""
        facts = self.facts if atom is None else self.facts | {(atom, holds)}
        if payload is self.payload and facts is self.facts:
            return self
        return replace(self, payload=payload, facts=facts)

    def assign(self, payload: JsonType, steps: Steps) -> AbstractState:
        """Return the abstract state after an assignment, without facts that depend on the path."""
        facts = frozenset(f for f in self.facts if not _depends_on(f[0], steps))
        return replace(
            self, payload=payload, facts=facts, overwrite=self.overwrite if steps else None
        )


def _depends_on(atom: Atom, steps: Steps) -> bool:
    return _overlaps(atom[0], steps) or (bool(atom[3]) and _overlaps(atom[3], steps))


def _overlaps(first: Steps, second: Steps) -> bool:
    if first[:1] == (CONTEXT_NAME,):
        return False
    for left, right in zip(first, second, strict=False):
        # Items by number may be the same one from either end.
        if isinstance(left, str) and isinstance(right, str) and left != right:
            return False
    return True


def add_state(
    known: Sequence[AbstractState], new: AbstractState, limit: int
) -> list[AbstractState] | None:
    """Add an abstract state to those of a flow's state; None if one of them covers it.

    Args:
        known: those that were known.
        new: the one to add.
        limit: how many are kept apart; beyond, two are joined.
    """
    if any(covers(old, new) for old in known):
        return None
    remaining = [old for old in known if not covers(new, old)]
    if len(remaining) < limit:
        return [*remaining, new]
    merged = join_states(remaining[-1], new)
    return None if covers(remaining[-1], merged) else [*remaining[:-1], merged]


def covers(first: AbstractState, second: AbstractState) -> bool:
    """Say whether one abstract state covers another.

    Payloads must be equal: findings of a precise state are not given up for an imprecise one.
    """
    return (
        first.overwrite == second.overwrite
        and first.facts <= second.facts
        and first.payload == second.payload
    )


def join_states(first: AbstractState, second: AbstractState) -> AbstractState:
    """Join two abstract states: keep what is known in both."""
    state = first.provenance.state if first.provenance is not None else ""
    return AbstractState(
        join(first.payload, second.payload),
        first.facts & second.facts,
        first.overwrite if first.overwrite == second.overwrite else None,
        Provenance(state, (*_joined_from(first), *_joined_from(second))[-12:]),
    )


def _joined_from(entry_state: AbstractState) -> tuple[AbstractState, ...]:
    provenance = entry_state.provenance
    if provenance is not None and len(provenance.sources) > 1:
        return provenance.sources
    return (entry_state,)


def missing_route(entry_state: AbstractState, steps: Steps) -> list[str]:
    """Return a route on which a path was never assigned: the states before this one."""
    names: list[str] = []
    current: AbstractState | None = entry_state
    for _ in range(5_000):
        if current is None or current.provenance is None:
            break
        state, sources = current.provenance.state, current.provenance.sources
        if len(sources) > 1:
            current = next((s for s in sources if _is_missing(s, steps)), sources[0])
        else:
            names.append(state)
            current = sources[0]
    names.reverse()
    return list(_without_cycles(names))


def _is_missing(entry_state: AbstractState, steps: Steps) -> bool:
    return get(entry_state.payload, steps).presence < Presence.UNKNOWN


def _without_cycles(names: list[str]) -> Iterator[str]:
    # A cycle that did not assign the path says nothing.
    merged = {name: number for number, name in enumerate(names)}
    position = 0
    while position < len(names):
        yield names[position]
        position = merged[names[position]] + 1
