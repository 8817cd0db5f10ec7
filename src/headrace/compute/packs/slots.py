"""Slots: the processors and GPUs of this machine, for members that run side by side."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Slots:
    """Processors and GPUs that members share.

    A member that needs more than there are runs alone. Those that have a number take what is free
    in the order of their numbers, however long each is made ready; where what is free is too little
    for one, a later one may go before it.

    Attributes:
        cores: processors.
        gpus: numbers of the GPUs, as ``CUDA_VISIBLE_DEVICES`` has them.
    """

    cores: int
    gpus: tuple[str, ...] = ()
    _free: int = field(init=False, default=0)
    _devices: list[str] = field(init=False, default_factory=list)
    _waiting: dict[int, tuple[int, int]] = field(init=False, default_factory=dict)
    # Numbers that have asked, or will not; all below `_first` have.
    _known: set[int] = field(init=False, default_factory=set)
    _first: int = field(init=False, default=0)
    _changed: threading.Condition = field(init=False, default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._free = self.cores
        self._devices = list(self.gpus)

    @contextlib.contextmanager
    def held(
        self, cores: int, gpus: int = 0, number: int | None = None
    ) -> Iterator[tuple[str, ...]]:
        """Wait for processors and GPUs, and hold them.

        Args:
            cores: processors that are needed.
            gpus: GPUs that are needed.
            number: the member's, from 0 on; each lower one has to ask, or to pass, before it is
                this one's turn. None: it has no turn.

        Yields:
            The numbers of the GPUs; none where it is not known which there are.
        """
        cores, gpus = min(cores, self.cores), min(gpus, len(self.gpus))
        with self._changed:
            if number is not None:
                self._waiting[number] = cores, gpus
                self._note(number)
            self._changed.wait_for(lambda: self._fits(cores, gpus) and self._is_next(number))
            if number is not None:
                del self._waiting[number]
                # What is left may be enough for the next one.
                self._changed.notify_all()
            self._free -= cores
            taken = tuple(self._devices.pop(0) for _ in range(gpus))
        try:
            yield taken
        finally:
            with self._changed:
                self._free += cores
                self._devices += taken
                self._changed.notify_all()

    def pass_by(self, number: int) -> None:
        """Let others have their turn: the member of this number needs nothing, now or any more."""
        with self._changed:
            self._note(number)

    def _note(self, number: int) -> None:
        if number < self._first or number in self._known:
            return
        self._known.add(number)
        while self._first in self._known:
            self._known.remove(self._first)
            self._first += 1
        self._changed.notify_all()

    def _fits(self, cores: int, gpus: int) -> bool:
        return self._free >= cores and len(self._devices) >= gpus

    def _is_next(self, number: int | None) -> bool:
        if number is None:
            return True
        return number < self._first and not any(
            other < number and self._fits(*needs) for other, needs in self._waiting.items()
        )


def slots_here(cores: int = 0) -> Slots:
    """Return the slots of this machine, or of the allocation that this process is in.

    Args:
        cores: processors to be used; 0: all that this process may use.
    """
    devices = tuple(
        name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name
    )
    return Slots(cores or _available_cores(), devices)


def _available_cores() -> int:
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:
        return os.cpu_count() or 1
