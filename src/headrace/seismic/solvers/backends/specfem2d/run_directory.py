"""A directory as SPECFEM2D wants it: ``DATA``, ``OUTPUT_FILES``, ``SEM``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace.seismic.errors import SolverError
from headrace.seismic.solvers.backends.specfem2d.programs import (
    failure,
    run_program,
    says_it_failed,
)
from headrace.seismic.solvers.backends.specfem2d.settings import MESHER, SOLVER, Settings
from headrace.seismic.solvers.events import Event
from headrace.seismic.specfem_files import ParFile, Value, source_file, stations_text

PAR_FILE, SOURCE_FILE, STATIONS_FILE = "Par_file", "SOURCE", "STATIONS"
_WAVELET = "wavelet.txt"
# Only what is in the Par_file is set; SPECFEM2D's versions have different keys.
_QUIET: Mapping[str, Value] = {
    "output_color_image": False,
    "output_postscript_snapshot": False,
    "output_grid_Gnuplot": False,
    "output_wavefield_dumps": False,
}
_TIME_FUNCTIONS = {"ricker": 1, "gaussian": 3, "file": 8}
_LEFT_OUT = {PAR_FILE, SOURCE_FILE, STATIONS_FILE}


@dataclass(frozen=True)
class RunDirectory:
    """One run of mesher and solver.

    Attributes:
        path: the directory.
        settings: the solver's settings.
        par_file: the run's ``Par_file``.
    """

    path: Path
    settings: Settings
    par_file: ParFile

    @classmethod
    def make(
        cls,
        path: Path,
        settings: Settings,
        values: Mapping[str, Value],
        *,
        with_model: bool = False,
    ) -> RunDirectory:
        """Make the directory: the template's files are linked, its ``Par_file`` is changed.

        Args:
            path: the directory; it must not be there.
            settings: the solver's settings.
            values: keys of the ``Par_file`` to set.
            with_model: with copies of the template's ``proc*`` files, which SPECFEM2D may replace.

        Returns:
            The directory.

        Raises:
            SolverError: the template is not there, or a key is not in its ``Par_file``.
        """
        par_file = read_template(settings)
        quiet = {key: value for key, value in _QUIET.items() if par_file.has(key)}
        par_file = par_file.with_values({**quiet, **settings.par_file, **values})
        for name in ("DATA", "OUTPUT_FILES", "SEM"):
            (path / name).mkdir(parents=True)
        for file in sorted((settings.template / "DATA").iterdir()):
            if file.name.startswith("proc"):
                if with_model:
                    shutil.copyfile(file, path / "DATA" / file.name)
            elif file.name not in _LEFT_OUT:
                (path / "DATA" / file.name).symlink_to(file.absolute())
        par_file.write(path / "DATA" / PAR_FILE)
        return cls(path, settings, par_file)

    @property
    def data(self) -> Path:
        """Directory that SPECFEM2D reads."""
        return self.path / "DATA"

    @property
    def output(self) -> Path:
        """Directory that it writes."""
        return self.path / "OUTPUT_FILES"

    @property
    def processes(self) -> int:
        """Number of processes that it runs as."""
        return int(self.par_file.number("NPROC"))

    def write_event(self, event: Event, directory: Path, top: float) -> None:
        """Write ``SOURCE`` and ``STATIONS``.

        Args:
            event: the event; its z is depth.
            directory: the event's directory; a ``SOURCE`` in it, or else in the template, says
                all but the place of the source.
            top: z of the mesh's top, m, upwards.

        Raises:
            SolverError: the ``SOURCE`` is of several sources, or cannot be used.
        """
        own, common = directory / SOURCE_FILE, self.settings.template / "DATA" / SOURCE_FILE
        values: dict[str, Value] = {"xs": event.source.x, "zs": top - event.source.z}
        if own.is_file():
            base = ParFile.read(own)
        else:
            base = ParFile.read(common) if common.is_file() else source_file({})
            values |= {
                "time_function_type": _TIME_FUNCTIONS[event.source.wavelet],
                "f0": event.source.frequency,
                "factor": event.source.amplitude,
            }
            if event.source.file is not None:
                # SPECFEM2D takes no more than 150 characters of a path.
                shutil.copyfile(event.source.file, self.data / _WAVELET)
                values["name_of_source_file"] = f"./DATA/{_WAVELET}"
        if base.has("source_surf"):
            # Else SPECFEM2D would move the source to the surface, whatever its zs is.
            values["source_surf"] = False
        base.with_values(values).write(self.data / SOURCE_FILE)
        text = stations_text(
            (one.station, one.network, one.x, top - one.z) for one in event.receivers
        )
        (self.data / STATIONS_FILE).write_text(text, encoding="ascii")

    def write_own_event(self) -> None:
        """Write the template's ``SOURCE``, and a station at its place.

        Raises:
            SolverError: the template has no ``SOURCE`` of one source.
        """
        source = ParFile.read(self.settings.template / "DATA" / SOURCE_FILE)
        station = ("HERE", "XX", source.number("xs"), source.number("zs"))
        source.write(self.data / SOURCE_FILE)
        (self.data / STATIONS_FILE).write_text(stations_text([station]), encoding="ascii")

    def mesh(self) -> None:
        """Run the mesher.

        Raises:
            SolverError: it failed, or left no database.
        """
        self._run(MESHER, "Database*.bin")

    def solve(self, wanted: str) -> None:
        """Run the solver.

        Args:
            wanted: pattern of files that it must leave, seen from the run's directory.

        Raises:
            SolverError: it failed, or left none of them.
        """
        self._run(SOLVER, wanted)

    def solver_failure(self, what: str) -> SolverError:
        """Make an error that says what is wrong with the solver's output and log."""
        return failure([SOLVER], self.path, self._log(SOLVER), what)

    def prune(self, keep: Sequence[str] = ()) -> None:
        """Remove what nobody reads any more; inputs and logs stay.

        Args:
            keep: patterns of files in ``OUTPUT_FILES`` that stay.
        """
        kept = {path for pattern in keep for path in self.output.glob(pattern)}
        for path in sorted(self.output.iterdir()):
            if path not in kept:
                _remove(path)
        for path in sorted(self.data.iterdir()):
            if path.name not in {*_LEFT_OUT, _WAVELET}:
                _remove(path)
        shutil.rmtree(self.path / "SEM")

    def _run(self, program: str, wanted: str) -> None:
        command = self.settings.command(program, self.processes)
        log = self._log(program)
        run_program(command, self.path, log, self.settings.timeout)
        if says_it_failed(log):
            raise failure(command, self.path, log, "gave up, though with exit code 0")
        where = self.output if "/" not in wanted else self.path
        if not any(path.stat().st_size for path in where.glob(wanted)):
            place = os.path.relpath(where / wanted, self.path)
            raise failure(command, self.path, log, f"ended with exit code 0 but left no {place}")

    def _log(self, program: str) -> Path:
        return self.path / f"{program}.log"


def read_template(settings: Settings) -> ParFile:
    """Return the template's ``Par_file``.

    Raises:
        SolverError: it is not there.
    """
    path = settings.template / "DATA" / PAR_FILE
    if not path.is_file():
        raise SolverError(f"{path}: no such file; template is a directory that holds DATA")
    return ParFile.read(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
