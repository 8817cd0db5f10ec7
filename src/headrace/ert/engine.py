"""The interface of engines: what inverts the data of a directory.

An engine is a function ``make(settings)`` that returns an object with the methods of `Engine`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from headrace.ert.errors import Fact

INVERSION = "inversion"
MODELLING = "modelling"
MODELLING_AND_INVERSION = "modelling and inversion"


@dataclass(frozen=True)
class ErtJob:
    """Work on a directory.

    Attributes:
        kind: what `Engine.find_job` said, such as ``inversion``.
        input: the directory with the data and whatever else the engine needs; read only.
        output: directory where results are written; it is there, and may hold what an earlier
            attempt has left.
    """

    kind: str
    input: Path
    output: Path


@dataclass(frozen=True)
class ErtResult:
    """Result of an inversion or a modelling.

    Attributes:
        facts: numbers and short texts. All engines have the same names for the same thing:
            ``chi2`` (mean square of the misfits in units of their errors), ``rms`` (relative, in
            percent), ``iterations``, ``data`` (how many were used), ``cells`` of the model,
            ``stop_reason``, ``converged``.
        chi2_history: chi-square before the first iteration and after each one.
        files: the most important files, by what they are, relative to the output directory.
    """

    facts: Mapping[str, Fact]
    chi2_history: tuple[float, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


class Engine(Protocol):
    """An engine of resistivity inversions; it works with one thread unless its settings say more.

    Each method may be called again after a kill at any moment.
    """

    def version(self) -> str:
        """Return name and version of the program, for example ``pyGIMLi 1.6.1``.

        Raises:
            EngineMissing: it is not on this machine.
        """
        ...

    def find_job(self, directory: Path) -> str:
        """Return what a directory needs; empty where it is none of this engine's, or is done.

        It is asked of many directories: it looks at names, and reads little.

        Args:
            directory: the directory.
        """
        ...

    def run(self, job: ErtJob) -> ErtResult:
        """Work on a directory, and write the results.

        Args:
            job: the directory, and where its results go.

        Returns:
            The result, only where the engine has converged or stopped for a reason that it told.

        Raises:
            InversionFailed: there is no result that counts; what explains it lies in
                ``job.output``.
            ErtError: the directory cannot be worked on.
        """
        ...
