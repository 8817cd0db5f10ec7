"""Collective operations on ranks: an error on one of them is raised on all."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from headrace.datarun.errors import DataRunError
from headrace.ranks import Ranks

Result = TypeVar("Result")


@dataclass(frozen=True)
class Node:
    """The ranks that share a machine, as one of them sees it.

    Attributes:
        number: of the machine, in the order of its first rank.
        nodes: how many machines.
        local_rank: this rank's number among the machine's ranks.
        ranks: how many ranks this machine has.
        ranks_before: how many ranks the machines before this one have.
    """

    number: int
    nodes: int
    local_rank: int
    ranks: int
    ranks_before: int

    @property
    def is_leader(self) -> bool:
        """True if this is the rank that does what each machine does once."""
        return self.local_rank == 0


def find_node(ranks: Ranks, host: str | None = None) -> Node:
    """Find the ranks that share this rank's machine.

    Args:
        ranks: all of them; each must call this.
        host: name of this rank's machine; None asks the machine.

    Returns:
        This rank's machine.
    """
    hosts: list[str] = ranks.broadcast(ranks.gather(host or socket.gethostname()))
    machines = list(dict.fromkeys(hosts))
    own = hosts[ranks.rank]
    number = machines.index(own)
    return Node(
        number=number,
        nodes=len(machines),
        local_rank=hosts[: ranks.rank].count(own),
        ranks=hosts.count(own),
        ranks_before=sum(hosts.count(machine) for machine in machines[:number]),
    )


def run_on_some(ranks: Ranks, selected: bool, work: Callable[[], Result]) -> Result | None:
    """Run a function on some ranks; an error on one is raised on all.

    Args:
        ranks: all of them; each must call this.
        selected: whether this rank does it.
        work: the function.

    Returns:
        The function's result; None on ranks that did not run it.

    Raises:
        DataRunError: that of the first rank whose work failed, on all ranks.
    """
    result, error = None, None
    if selected:
        try:
            result = work()
        except DataRunError as failure:
            error = failure
        except OSError as failure:
            place = failure.filename or "input or output"
            reason = failure.strerror or str(failure)
            error = DataRunError(f"{place}: {reason}; check the disk and its permissions")
    ranks.wait_for_all()
    errors: list[DataRunError | None] = all_gather(ranks, error)
    for found in errors:
        if found is not None:
            raise found
    return result


def run_on_all(ranks: Ranks, work: Callable[[], Result]) -> Result:
    """Run a function on every rank, as `run_on_some` does."""
    results: list[Result] = []
    run_on_some(ranks, True, lambda: results.append(work()))
    return results[0]


def all_gather(ranks: Ranks, value: Any) -> list[Any]:
    """Return the values of all ranks, in their order, on all ranks."""
    values: list[Any] = ranks.broadcast(ranks.gather(value))
    return values
