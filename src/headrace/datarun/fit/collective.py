"""Ranks that fail together: an error on one of them is the error of all."""

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
        place: this rank's place among the machine's ranks.
        ranks: how many ranks this machine has.
        before: how many ranks the machines before this one have.
    """

    number: int
    nodes: int
    place: int
    ranks: int
    before: int

    @property
    def leads(self) -> bool:
        """Whether this is the rank that does what each machine does once."""
        return self.place == 0


def find_node(ranks: Ranks, host: str | None = None) -> Node:
    """Tell which ranks share a machine.

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
        place=hosts[: ranks.rank].count(own),
        ranks=hosts.count(own),
        before=sum(hosts.count(machine) for machine in machines[:number]),
    )


def some_do(ranks: Ranks, own: bool, work: Callable[[], Result]) -> Result | None:
    """Do work on some ranks, and let all fail if one does.

    Args:
        ranks: all of them; each must call this.
        own: whether this rank does it.
        work: what to do.

    Returns:
        What the work gave; None where it was not done.

    Raises:
        DataRunError: that of the first rank whose work failed, on all ranks.
    """
    result, error = None, None
    if own:
        try:
            result = work()
        except DataRunError as failure:
            error = failure
        except OSError as failure:
            place = failure.filename or "input or output"
            reason = failure.strerror or str(failure)
            error = DataRunError(f"{place}: {reason}; check the disk and its permissions")
    errors: list[DataRunError | None] = gathered(ranks, error)
    for found in errors:
        if found is not None:
            raise found
    return result


def all_do(ranks: Ranks, work: Callable[[], Result]) -> Result:
    """Do work on every rank, and let all fail if one does; as `some_do`."""
    results: list[Result] = []
    some_do(ranks, True, lambda: results.append(work()))
    return results[0]


def gathered(ranks: Ranks, value: Any) -> list[Any]:
    """Return the values of all ranks, in their order, on all ranks."""
    values: list[Any] = ranks.broadcast(ranks.gather(value))
    return values
