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

    A member that needs more than there are runs alone.

    Attributes:
        cores: processors.
        gpus: numbers of the GPUs, as ``CUDA_VISIBLE_DEVICES`` has them.
    """

    cores: int
    gpus: tuple[str, ...] = ()
    _free: int = field(init=False, default=0)
    _devices: list[str] = field(init=False, default_factory=list)
    _changed: threading.Condition = field(init=False, default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._free = self.cores
        self._devices = list(self.gpus)

    @contextlib.contextmanager
    def held(self, cores: int, gpus: int = 0) -> Iterator[tuple[str, ...]]:
        """Wait for processors and GPUs, and hold them.

        Args:
            cores: processors that are needed.
            gpus: GPUs that are needed.

        Yields:
            The numbers of the GPUs; none where it is not known which there are.
        """
        cores, gpus = min(cores, self.cores), min(gpus, len(self.gpus))
        with self._changed:
            self._changed.wait_for(lambda: self._free >= cores and len(self._devices) >= gpus)
            self._free -= cores
            taken = tuple(self._devices.pop(0) for _ in range(gpus))
        try:
            yield taken
        finally:
            with self._changed:
                self._free += cores
                self._devices += taken
                self._changed.notify_all()


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
