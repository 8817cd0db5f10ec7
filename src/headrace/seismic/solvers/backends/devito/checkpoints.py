"""Checkpoints: wavefields that are kept for the way back, and those computed again.

Going back in time needs the forward wavefield at every step. If all of it fits into the memory,
it is kept. Else the time steps are cut into segments: the first pass keeps the state at the start
of each, and each segment is computed again, last one first, when the way back comes to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from headrace.seismic.errors import SolverError

_STATE = 2
"""Fields of a state: two consecutive times."""

_BUFFERS = 3
"""Fields that the adjoint wave goes round. Segments are a multiple of it, so that it is found where
the next one looks for it."""


@dataclass(frozen=True)
class Segment:
    """Consecutive time steps: the first, and how many."""

    first: int
    count: int


@dataclass(frozen=True)
class Plan:
    """Division of the time steps into segments.

    Attributes:
        steps: time steps.
        length: steps of a segment; the last one may be shorter.
    """

    steps: int
    length: int

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments, in the order of time."""
        return tuple(self._segments())

    def _segments(self) -> Iterator[Segment]:
        for first in range(0, self.steps, self.length):
            yield Segment(first, min(self.length, self.steps - first))

    @property
    def fields(self) -> int:
        """Fields that are kept at most: those of a segment, and the states."""
        count = math.ceil(self.steps / self.length)
        return self.length + 2 + (_STATE * count if count > 1 else 0)


def make_plan(steps: int, field_size: int, memory_limit: float) -> Plan:
    """Return the plan for a limit of memory.

    Args:
        steps: time steps.
        field_size: bytes of one field.
        memory_limit: most memory for stored fields, MiB.

    Returns:
        The plan of the fewest segments that fits; a single one needs no first pass.

    Raises:
        SolverError: none fits; the message says how much is needed.
    """
    limit = int(memory_limit * 2**20 // field_size)
    plans = _plans(steps)
    for plan in plans:
        if plan.fields <= limit:
            return plan
    needed = math.ceil(10.0 * smallest_plan(steps).fields * field_size / 2**20) / 10.0
    raise SolverError(
        f"solver.memory_limit: {memory_limit:g} MiB is too little for {steps} time steps; "
        f"set it to {needed:g} or more"
    )


def smallest_plan(steps: int) -> Plan:
    """Return the plan that needs the least memory."""
    return min(_plans(steps), key=lambda plan: plan.fields)


def _plans(steps: int) -> list[Plan]:
    """Plans of one segment, two, three and so on, until more would need more memory."""
    counts = range(2, math.ceil(math.sqrt(steps / _STATE)) + 2)
    lengths = [_BUFFERS * math.ceil(steps / (_BUFFERS * count)) for count in counts]
    return [Plan(steps, steps), *(Plan(steps, length) for length in lengths)]
