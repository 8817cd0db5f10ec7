"""Legs of GROMACS: ``grompp``, ``mdrun`` from the last good checkpoint, and ``gmx dump``.

An exit code of mdrun says nothing about how far it came: that stands in the checkpoint alone.
"""

from __future__ import annotations

import ctypes
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import atomic_replacement
from headrace.md.energies import Energies, joined
from headrace.md.engine import LegDirectory, Position, Stretch
from headrace.md.engines.gromacs.checkpoint import (
    Checkpoint,
    RunInput,
    read_checkpoint,
    read_run_input,
)
from headrace.md.engines.gromacs.energy_files import read_energy_file
from headrace.md.engines.gromacs.parts import STEM, cut_parts, part_files
from headrace.md.engines.gromacs.programs import GromacsPrograms, missing, words_of_failure
from headrace.md.errors import EngineKilled, MdError
from headrace.md.settings import GromacsSettings, read_engine_settings

_MESSAGE_BYTES: Final = 64_000
_SIGNAL: Final = 128
_PR_SET_PDEATHSIG: Final = 1
_UNFINISHED: Final = "_step"


def make(settings: Mapping[str, Any]) -> Gromacs:
    """Make the engine.

    Args:
        settings: keys of the table ``[gromacs]``.

    Raises:
        SettingsError: a key is unknown or wrong.
    """
    read = read_engine_settings(GromacsSettings, "gromacs", settings)
    programs = GromacsPrograms.of(read.gmx, read.mdrun)
    return Gromacs(programs, read.grompp_arguments, read.mdrun_arguments, read.checkpoint_minutes)


@dataclass(frozen=True)
class Gromacs:
    """Runs legs by GROMACS.

    Attributes:
        programs: how it is called.
        grompp_arguments: further arguments of ``gmx grompp``.
        mdrun_arguments: further arguments of mdrun.
        checkpoint_minutes: minutes between two checkpoints.
    """

    programs: GromacsPrograms
    grompp_arguments: Sequence[str] = ()
    mdrun_arguments: Sequence[str] = ()
    checkpoint_minutes: float = 15.0

    def version(self) -> str:
        """Return name and version, for example ``GROMACS 2022.5``."""
        for line in self.programs.call("--version", cwd=Path.cwd()).splitlines():
            if line.startswith("GROMACS version:"):
                return f"GROMACS {line.partition(':')[2].strip()}"
        raise MdError(f"{self.programs.gmx[0]} --version: names no version")

    def prepare(self, leg: LegDirectory) -> None:
        """Make ``run.tpr``: of a ``tpr`` in the input, or of mdp, gro and top by ``gmx grompp``."""
        if _tpr(leg).exists():
            return
        given = sorted(leg.input.glob("*.tpr"))
        with atomic_replacement(_tpr(leg)) as temporary:
            if given:
                shutil.copyfile(_only(given, leg, "tpr"), temporary)
            else:
                made = temporary.with_name(f"{temporary.name}.tpr")
                try:
                    self._grompp(leg, made)
                    made.replace(temporary)
                finally:
                    made.unlink(missing_ok=True)
        read_run_input(self.programs, _tpr(leg))

    def settle(self, leg: LegDirectory) -> Position:
        """Find the last checkpoint that can be read, and cut the leg's parts to it."""
        run_input = read_run_input(self.programs, _tpr(leg))
        faults: list[str] = []
        good = self._good_checkpoints(leg, faults)
        for found in good:
            reached = run_input.target is not None and found.step >= run_input.target
            try:
                cut_parts(leg, found, keep_end=reached)
            except MdError as error:
                faults.append(str(error))
                continue
            _keep(leg, found, [each for each in good if each is not found])
            return _position(run_input, found.step)
        if faults:
            raise MdError(f"{faults[0]}; no checkpoint in {leg.state} can be gone on from")
        cut_parts(leg, None, keep_end=False)
        return _position(run_input, run_input.first_step)

    def advance(self, leg: LegDirectory, stretch: Stretch) -> None:
        """Run mdrun from the last checkpoint until a step, or for a time."""
        words = [*self.programs.mdrun, "-s", str(self._tpr_until(leg, stretch.end_step))]
        words += ["-deffnm", f"{leg.parts.name}/{STEM}", "-noappend"]
        # A file of its own: one that was given up and goes on writes into another.
        own = leg.state / f"{STEM}.{secrets.token_hex(4)}.cpt"
        words += ["-cpo", str(own), "-cpt", f"{self.checkpoint_minutes:g}"]
        if _checkpoint(leg).exists():
            words += ["-cpi", str(_checkpoint(leg))]
        if stretch.seconds is not None:
            words += ["-maxh", f"{max(stretch.seconds, 1.0) / 3600:.6f}"]
        printed = leg.path / "mdrun.out"
        with printed.open("wb") as output:
            try:
                program = subprocess.Popen(
                    [*words, *self.mdrun_arguments],
                    cwd=leg.path,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    preexec_fn=_die_with_parent,
                    pass_fds=stretch.stop.inherited,
                )
            except FileNotFoundError:
                raise missing(words[0]) from None
            code = stretch.stop.wait_for(program)
        if code < 0 or code > _SIGNAL:
            raise EngineKilled("mdrun", -code if code < 0 else code - _SIGNAL)
        if code:
            text = printed.read_bytes()[-_MESSAGE_BYTES:].decode(errors="replace")
            raise MdError(f"mdrun: {words_of_failure(text)}; all of it is in {printed}")

    def energies(self, leg: LegDirectory) -> Energies:
        """Read the energies of the leg's parts by ``gmx energy``."""
        return joined([read_energy_file(self.programs, path) for path in part_files(leg, ".edr")])

    def files(self, leg: LegDirectory) -> list[Path]:
        """Return the leg's trajectory files in the order of time."""
        return part_files(leg, ".xtc")

    def _grompp(self, leg: LegDirectory, made: Path) -> None:
        words = ["grompp", "-o", str(made), "-po", str(made.with_suffix(".mdp"))]
        for option, ending in (("-f", "mdp"), ("-c", "gro"), ("-p", "top")):
            words += [option, _only(sorted(leg.input.glob(f"*.{ending}")), leg, ending).name]
        try:
            self.programs.call(*words, *self.grompp_arguments, cwd=leg.input)
        finally:
            made.with_suffix(".mdp").unlink(missing_ok=True)

    def _good_checkpoints(self, leg: LegDirectory, faults: list[str]) -> list[Checkpoint]:
        """Return the checkpoints that can be read, the last one first; note why others cannot."""
        # run.cpt and run_prev.cpt are this program's; mdrun writes run.TOKEN_step1000.cpt, renames
        # run.TOKEN.cpt to run.TOKEN_prev.cpt, and that one to run.TOKEN.cpt.
        good: list[Checkpoint] = []
        for each in sorted(leg.state.glob(f"{STEM}*.cpt")):
            try:
                path = _taken(each, leg)
            except FileNotFoundError:
                continue  # renamed by one that was given up and goes on
            try:
                good.append(read_checkpoint(self.programs, path))
            except MdError as error:
                # mdrun was killed while it wrote run.TOKEN_step1000.cpt: it never was a checkpoint.
                if _UNFINISHED not in path.name:
                    faults.append(f"{path}: {error}")
        return sorted(good, key=lambda each: each.step, reverse=True)

    def _tpr_until(self, leg: LegDirectory, end_step: int) -> Path:
        """Return a run input that ends at a step."""
        run_input = read_run_input(self.programs, _tpr(leg))
        if run_input.target == end_step:
            return _tpr(leg)
        path = leg.path / "leg.tpr"
        path.unlink(missing_ok=True)
        steps = str(end_step - run_input.first_step)
        words = ("convert-tpr", "-s", str(_tpr(leg)), "-nsteps", steps, "-o", str(path))
        self.programs.call(*words, cwd=leg.path)
        return path


def _die_with_parent() -> None:
    """Have mdrun killed when this program is: the next start would write beside it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _taken(path: Path, leg: LegDirectory) -> Path:
    """Give a checkpoint of mdrun a name that no mdrun knows: it stays what it is when it is read.

    One that was given up, and goes on, may replace its checkpoint at any moment.
    """
    if path in (_checkpoint(leg), _previous_checkpoint(leg)):
        return path
    kind = _UNFINISHED if _UNFINISHED in path.name else ""
    return path.rename(leg.state / f"{STEM}-found-{secrets.token_hex(4)}{kind}.cpt")


def _keep(leg: LegDirectory, best: Checkpoint, others: Sequence[Checkpoint]) -> None:
    """Keep the best checkpoint where mdrun reads it, and the one before; remove the others."""
    before = next((each for each in others if each.step < best.step), None)
    for kept, path in ((before, _previous_checkpoint(leg)), (best, _checkpoint(leg))):
        if kept is not None and kept.path != path:
            with atomic_replacement(path) as temporary:
                shutil.copyfile(kept.path, temporary)
    for path in leg.state.glob(f"{STEM}*.cpt"):
        if path not in (_checkpoint(leg), _previous_checkpoint(leg)):
            path.unlink(missing_ok=True)


def _position(run_input: RunInput, step: int) -> Position:
    return Position(step, run_input.target, run_input.step_ps)


def _tpr(leg: LegDirectory) -> Path:
    return leg.state / f"{STEM}.tpr"


def _checkpoint(leg: LegDirectory) -> Path:
    return leg.state / f"{STEM}.cpt"


def _previous_checkpoint(leg: LegDirectory) -> Path:
    return leg.state / f"{STEM}_prev.cpt"


def _only(found: Sequence[Path], leg: LegDirectory, ending: str) -> Path:
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise MdError(
            f"{leg.input}: there must be one .{ending} in it, or one .tpr alone; there are {names}"
        )
    return found[0]
