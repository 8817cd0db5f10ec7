"""Ranks of the seismic programs; what goes wrong with them is an error of this package."""

from __future__ import annotations

import os
from collections.abc import Mapping

from headrace import ranks
from headrace.ranks import MpiRanks, Ranks, SingleRank, reports_errors, slice_of_rank
from headrace.seismic.errors import SeismicError

__all__ = ["MpiRanks", "Ranks", "SingleRank", "find_ranks", "reports_errors", "slice_of_rank"]


def find_ranks(environment: Mapping[str, str] = os.environ, expected: int | None = None) -> Ranks:
    """Join the other ranks, or be the only one.

    Args:
        environment: shows whether a launcher started this process.
        expected: how many there must be; None takes what comes.

    Returns:
        The ranks.

    Raises:
        SeismicError: started as one of several, but there is no MPI, or it sees too few.
    """
    try:
        return ranks.find_ranks(environment, expected)
    except ranks.RanksError as error:
        raise SeismicError(str(error)) from None
