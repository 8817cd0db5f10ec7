"""Ranks: one process, or many under mpiexec, with the same calls."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

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


class RanksError(HeadraceError):
    """Several ranks were asked for and cannot be had."""


class Ranks(Protocol):
    """The processes that share the work of a program."""

    rank: int
    size: int

    def share(self, value: Any) -> Any:
        """Give rank 0's value to all."""

    def collect(self, value: Any) -> list[Any]:
        """Bring the values of all to rank 0, in the order of the ranks; empty elsewhere."""

    def send(self, value: Any) -> None:
        """Send a value to rank 0, which takes it with `receive`."""

    def receive(self, wait: bool) -> tuple[int, Any] | None:
        """Take the next value sent: (rank, value); None if there is none and no wait."""

    def abort(self, code: int) -> None:
        """End all ranks at once; the way out if one fails while others wait for it."""


class OneRank:
    """A process of its own."""

    rank = 0
    size = 1

    def share(self, value: Any) -> Any:
        """Give the value back."""
        return value

    def collect(self, value: Any) -> list[Any]:
        """A list of the one value."""
        return [value]

    def send(self, value: Any) -> None:
        """Never called: nobody else is there."""
        raise RanksError("a single rank has nobody to send to")

    def receive(self, wait: bool) -> tuple[int, Any] | None:
        """Nothing ever comes."""
        return None

    def abort(self, code: int) -> None:
        """Nobody waits: the caller ends by itself."""


class MpiRanks:
    """The ranks that mpiexec or srun started.

    Args:
        mpi: the module ``mpi4py.MPI``.
    """

    def __init__(self, mpi: Any) -> None:
        self._world = mpi.COMM_WORLD
        self._any = mpi.ANY_SOURCE
        self._status = mpi.Status
        self.rank: int = self._world.Get_rank()
        self.size: int = self._world.Get_size()
        self._sent: list[Any] = []

    def share(self, value: Any) -> Any:
        """Broadcast from rank 0."""
        return self._world.bcast(value, root=0)

    def collect(self, value: Any) -> list[Any]:
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
    ranks: Ranks = OneRank()
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


def speaks(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is to tell an error that all ranks have before MPI is there.

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
    work: Callable[[argparse.Namespace, Ranks], None],
) -> int:
    """Runs a program that works alone or on many ranks.

    Args:
        program: its name, for complaints.
        parse: reads the command line; ``ranks`` of what it returns is the number that is expected.
        work: what it does, on every rank.

    Returns:
        The exit code: 0 done, else that of the error, which is one line on stderr.
    """
    ranks: Ranks = OneRank()
    try:
        options = parse()
        ranks = find_ranks(expected=options.ranks)
        work(options, ranks)
    except HeadraceError as error:
        if ranks.rank == 0 and speaks():
            print(f"{program}: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    except Exception as error:
        if ranks.size == 1:
            raise
        end_all(ranks, program, error)
    return 0


def end_all(ranks: Ranks, program: str, error: Exception) -> None:
    """Ends all ranks after a fault of this one: they would wait for ever for what it was to send.

    Args:
        ranks: the ranks.
        program: the program's name, for the complaint.
        error: the fault, told in one line on stderr.
    """
    text = f"{program}: rank {ranks.rank}: {type(error).__name__}: {error}"
    print(text, file=sys.stderr, flush=True)
    ranks.abort(1)


def own_share(items: Sequence[Item], rank: int, size: int) -> Sequence[Item]:
    """The contiguous share of one rank; the first ranks take one more if it does not divide.

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
