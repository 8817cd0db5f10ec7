"""User settings of SPECFEM2D."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.seismic.errors import SolverError
from headrace.seismic.specfem_files import Value

MESHER = "xmeshfem2D"
SOLVER = "xspecfem2D"
PROGRAMS = (MESHER, SOLVER)
BINARIES = "SPECFEM2D_BIN"
PARAMETERS = ("vp", "vs", "rho")


@dataclass(frozen=True)
class Settings:
    """The solver's settings.

    Attributes:
        template: directory that holds ``DATA`` as SPECFEM2D wants it: ``Par_file``, interfaces or
            an external mesh. It is never written to.
        binaries: directory of ``xmeshfem2D`` and ``xspecfem2D``; by default the environment's
            ``SPECFEM2D_BIN``.
        launcher: words before a program, for example ``srun`` or ``mpirun -n {nproc}``, where
            ``{nproc}`` is ``NPROC`` of the ``Par_file``; empty: the program is started as it is.
        parameters: of which parameters kernels are kept, out of vp, vs and rho; empty: of those
            that waves in the model depend on.
        par_file: keys of the ``Par_file`` to set besides those that the solver must set.
        timeout: seconds that a program may take; None: as long as it wants.
    """

    template: Path
    binaries: Path | None = None
    launcher: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    par_file: Mapping[str, Value] = field(default_factory=dict)
    timeout: float | None = None

    @classmethod
    def from_mapping(cls, value: Mapping[str, Any]) -> Settings:
        """Return settings from a table of a configuration file.

        Raises:
            SolverError: a key is unknown, missing or of the wrong kind; the message names it.
        """
        known = set(cls.__dataclass_fields__)
        for key in value:
            if key not in known:
                raise SolverError(
                    f"solver specfem2d: {key}: no such setting; there are "
                    f"{', '.join(sorted(known))}"
                )
        if not isinstance(value.get("template"), str | Path):
            raise SolverError("solver specfem2d: template: name the directory that holds DATA")
        named = value.get("binaries") or os.environ.get(BINARIES)
        if named is not None and not isinstance(named, str | Path):
            raise SolverError("solver specfem2d: binaries: name a directory")
        return cls(
            template=Path(value["template"]),
            binaries=None if named is None else Path(named),
            launcher=_launcher(value.get("launcher", "")),
            parameters=_parameters(value.get("parameters", ())),
            par_file=_par_file(value.get("par_file", {})),
            timeout=_timeout(value.get("timeout")),
        )

    def command(self, program: str, processes: int) -> list[str]:
        """Return how a program is started.

        Args:
            program: its name.
            processes: how many it runs as.

        Raises:
            SolverError: it is not there, or the launcher is not.
        """
        problem = self.problem_with(program)
        if problem is not None or self.binaries is None:
            raise SolverError(problem or "")
        words = [word.replace("{nproc}", str(processes)) for word in self.launcher]
        return [*words, os.fspath((self.binaries / program).absolute())]

    def problem_with(self, program: str) -> str | None:
        """Return what keeps a program from being started, in one line, or None."""
        if self.binaries is None:
            return (
                f"{program}: where? Set the environment's {BINARIES}, or the solver's binaries, "
                "to SPECFEM2D's bin directory"
            )
        path = self.binaries / program
        if not os.access(path, os.X_OK) or path.is_dir():
            return f"{path}: no such program; is {BINARIES} SPECFEM2D's bin directory?"
        if self.launcher and shutil.which(self.launcher[0]) is None:
            return f"launcher {self.launcher[0]}: not found on PATH"
        return None


def _launcher(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise SolverError(f"solver specfem2d: launcher: {value!r}: {error}") from None
    if isinstance(value, list | tuple) and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise SolverError(f"solver specfem2d: launcher: {value!r} is not a command")


def _parameters(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not set(value) <= set(PARAMETERS):
        raise SolverError(
            f"solver specfem2d: parameters: {value!r} is not a list out of {', '.join(PARAMETERS)}"
        )
    return tuple(name for name in PARAMETERS if name in value)


def _par_file(value: object) -> dict[str, Value]:
    if not isinstance(value, Mapping):
        raise SolverError("solver specfem2d: par_file: not a table of keys")
    for key, one in value.items():
        if not isinstance(one, bool | int | float | str):
            raise SolverError(f"solver specfem2d: par_file: {key}: {one!r} is not one value")
    return dict(value)


def _timeout(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise SolverError(f"solver specfem2d: timeout: {value!r} is not a number above 0")
    return float(value)
