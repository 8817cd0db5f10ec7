"""Ranks: one process, or many under mpiexec, with the same calls."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from headrace.errors import HeadraceError

Item = TypeVar("Item")

_LAUNCHER_VARIABLES = (
    "PMI_RANK",
    "PMI_FD",
    "PMIX_RANK",
    "OMPI_COMM_WORLD_RANK",
    "MPI_LOCALRANKID",
    "PALS_RANKID",
)


Outcome = tuple[int, str]
"""What became of a rank: its exit code, and its error in one line; "" without one."""

# An error that all ranks have reaches each of them within this time; one that a rank has alone
# must not let the others wait for it until the end of their job.
_GRACE: Final = 5.0
_PAUSE: Final = 0.01

# Launchers drop what a rank wrote just before it aborts.
_LAUNCHER_READS: Final = 1.0


class RanksError(HeadraceError):
    """Several ranks were asked for and cannot be had."""


class Ranks(Protocol):
    """The processes that share the work of a program."""

    rank: int
    size: int

    def broadcast(self, value: Any) -> Any:
        """Give rank 0's value to all."""

    def gather(self, value: Any) -> list[Any]:
        """Bring the values of all to rank 0, in the order of the ranks; empty elsewhere."""

    def send(self, value: Any) -> None:
        """Send a value to rank 0, which takes it with `receive`."""

    def receive(self, wait: bool) -> tuple[int, Any] | None:
        """Take the next value sent: (rank, value); None if there is none and no wait."""

    def wait_for_all(self) -> None:
        """Wait until every rank has come here, and leave the processor to those that work."""

    def finish_together(self, outcome: Outcome, seconds: float) -> list[Outcome] | None:
        """Wait until all ranks are done, and learn what became of each.

        Args:
            outcome: of this rank.
            seconds: longest wait.

        Returns:
            The outcomes of all, in the order of the ranks; None if not all came in time.
        """

    def abort(self, code: int) -> None:
        """End all ranks at once; the way out if one fails while others wait for it."""


class SingleRank:
    """A process of its own."""

    rank = 0
    size = 1

    def broadcast(self, value: Any) -> Any:
        """Give the value back."""
        return value

    def gather(self, value: Any) -> list[Any]:
        """Return a list of the one value."""
        return [value]

    def send(self, value: Any) -> None:
        """Never called: nobody else is there."""
        raise RanksError("a single rank has nobody to send to")

    def receive(self, wait: bool) -> tuple[int, Any] | None:
        """Nothing ever comes."""
        return None

    def wait_for_all(self) -> None:
        """Return: there is nobody to wait for."""

    def finish_together(self, outcome: Outcome, seconds: float) -> list[Outcome] | None:
        """Return the one outcome."""
        return [outcome]

    def abort(self, code: int) -> None:
        """Nobody waits: the caller ends by itself."""


class MpiRanks:
    """The ranks that mpiexec or srun started.

    Args:
        mpi: the module ``mpi4py.MPI``.
    """

    def __init__(self, mpi: Any) -> None:
        self._world = mpi.COMM_WORLD
        # Ranks that end must not meet, in one barrier, others that wait for them in their work.
        self._end = self._world.Dup()
        self._any = mpi.ANY_SOURCE
        self._status = mpi.Status
        self.rank: int = self._world.Get_rank()
        self.size: int = self._world.Get_size()
        self._sent: list[Any] = []

    def broadcast(self, value: Any) -> Any:
        """Broadcast from rank 0."""
        return self._world.bcast(value, root=0)

    def gather(self, value: Any) -> list[Any]:
        """Gather on rank 0."""
        return self._world.gather(value, root=0) or []

    def send(self, value: Any) -> None:
        """Send without waiting, so that a busy rank 0 holds nobody up."""
        self._sent = [request for request in self._sent if not request.Test()]
        self._sent.append(self._world.isend(value, dest=0))

    def receive(self, wait: bool) -> tuple[int, Any] | None:
        """Take the next message of any rank."""
        status = self._status()
        if not wait and not self._world.iprobe(source=self._any, status=status):
            return None
        value = self._world.recv(source=self._any, status=status)
        return status.Get_source(), value

    def wait_for_all(self) -> None:
        """Wait at a barrier, asleep."""
        self._wait_at_barrier(self._world, math.inf)

    def finish_together(self, outcome: Outcome, seconds: float) -> list[Outcome] | None:
        """Wait at a barrier that can be left, then gather."""
        if not self._wait_at_barrier(self._end, seconds):
            return None
        return list(self._end.allgather(outcome))

    @staticmethod
    def _wait_at_barrier(communicator: Any, seconds: float) -> bool:
        """Wait until all ranks are at a barrier; return whether they came in time.

        Between two looks the processor is free: a blocking call of MPI would keep it busy.
        """
        request = communicator.Ibarrier()
        started = time.monotonic()
        while not request.Test():
            waited = time.monotonic() - started
            if waited > seconds:
                return False
            time.sleep(min(waited / 8, _PAUSE))
        return True

    def abort(self, code: int) -> None:
        """``MPI_Abort``."""
        self._world.Abort(code)


def find_ranks(environment: Mapping[str, str] = os.environ, expected: int | None = None) -> Ranks:
    """Join the other ranks, or be the only one.

    Args:
        environment: tells whether a launcher started this process.
        expected: how many there must be; None takes what comes.

    Returns:
        The ranks.

    Raises:
        RanksError: started as one of several, but there is no MPI, or it sees too few.
    """
    launched = any(name in environment for name in _LAUNCHER_VARIABLES)
    tasks = environment.get("SLURM_STEP_NUM_TASKS", "1")
    steps = int(tasks) if tasks.isdigit() and "SLURM_PROCID" in environment else 1
    ranks: Ranks = SingleRank()
    if launched or steps > 1 or (expected or 1) > 1:
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise RanksError(
                f"no MPI: several ranks need mpi4py ({reason}); pip install mpi4py mpich"
            ) from None
        ranks = MpiRanks(MPI)
    wanted = expected or (steps if ranks.size == 1 else ranks.size)
    if ranks.size != wanted:
        raise RanksError(
            f"no MPI: {wanted} ranks were asked for, MPI sees {ranks.size}; mpiexec and mpi4py "
            "must be of one MPI (with srun: --mpi=pmi2 for MPICH, --mpi=pmix for Open MPI)"
        )
    return ranks


def reports_errors(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether this process is to tell an error that all ranks have before MPI is there.

    Args:
        environment: tells the rank by what the launcher set.

    Returns:
        True for rank 0, and for a process without a launcher.
    """
    names = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")
    return next((environment[name] for name in names if name in environment), "0") == "0"


def run_on_ranks(
    program: str,
    parse: Callable[[], argparse.Namespace],
    work: Callable[[argparse.Namespace, Ranks], int | None],
    uses_ranks: Callable[[argparse.Namespace], bool] = lambda options: True,
) -> int:
    """Run a program that works alone or on many ranks.

    All ranks end together. An error that all of them have is told once; a rank that fails alone
    tells its error and ends the others at once, which would wait for what it was to send.

    Args:
        program: its name, for complaints.
        parse: reads the command line; ``ranks`` of what it returns is the number that is expected.
        work: what it does, on every rank; it may return an exit code.
        uses_ranks: whether the program joins other ranks with these options.

    Returns:
        The exit code: 0 done, else the largest of all ranks; errors are one line each on stderr.
    """
    ranks: Ranks = SingleRank()
    try:
        options = parse()
        if uses_ranks(options):
            ranks = find_ranks(expected=options.ranks)
    except HeadraceError as error:
        if reports_errors():
            _complain(program, str(error))
        return error.exit_code
    outcome = _outcome(work, options, ranks)
    outcomes = ranks.finish_together(outcome, _GRACE if outcome[1] else math.inf)
    if outcomes is None:
        _complain(program, f"rank {ranks.rank}: {outcome[1]}")
        time.sleep(_LAUNCHER_READS)
        ranks.abort(outcome[0])
        return outcome[0]
    if ranks.rank == 0:
        for text in dict.fromkeys(text for _, text in outcomes if text):
            _complain(program, text)
    return max(code for code, _ in outcomes)


def _outcome(
    work: Callable[[argparse.Namespace, Ranks], int | None],
    options: argparse.Namespace,
    ranks: Ranks,
) -> Outcome:
    try:
        return work(options, ranks) or 0, ""
    except HeadraceError as error:
        return error.exit_code, str(error)
    except Exception as error:
        if ranks.size == 1:
            raise
        # Only the rank that has it can tell where it comes from.
        traceback.print_exc()
        return 1, f"{type(error).__name__}: {error}"


def _complain(program: str, text: str) -> None:
    print(f"{program}: {text}", file=sys.stderr, flush=True)


def slice_of_rank(items: Sequence[Item], rank: int, size: int) -> Sequence[Item]:
    """Return the contiguous share of one rank; the first ranks take one more if it does not divide.

    Args:
        items: all items, the same on every rank.
        rank: whose share.
        size: number of ranks, also more than items.

    Returns:
        The share; the shares of all ranks one after the other are the items.
    """
    each, more = divmod(len(items), size)
    first = rank * each + min(rank, more)
    return items[first : first + each + (rank < more)]
