"""The engine: CRMod and CRTomo in a copy of a directory, and what their files tell."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from headrace.ert.engine import INVERSION, MODELLING, ErtJob, ErtResult
from headrace.ert.engines.crtomo.control_files import (
    ControlFile,
    error_text,
    is_limit,
    last_model,
    stop_reason,
)
from headrace.ert.engines.crtomo.data_files import read_resistances, relative_rms
from headrace.ert.engines.crtomo.directories import (
    CONFIGURATION,
    CONTROL,
    DATA,
    is_finished,
    needed_work,
)
from headrace.ert.engines.crtomo.programs import find_program, last_words, run_program
from headrace.ert.errors import ErtError, Fact, InversionFailed
from headrace.ert.settings import CrtomoSettings, read_engine_settings

_ERROR: Final = "exe/error.dat"
_LAST_MODEL: Final = "exe/inv.lastmod"
_RUN: Final = "inv/run.ctr"
# What an earlier run has left here would be taken for what this one says.
_STALE: Final = (_ERROR, CONTROL, _RUN, _LAST_MODEL, "exe/inv.lastmod_rho", "exe/crtomo.pid")


def make(settings: Mapping[str, Any]) -> CrtomoEngine:
    """Make the engine.

    Args:
        settings: the table ``[crtomo]``.

    Raises:
        SettingsError: a setting is unknown or wrong.
    """
    return CrtomoEngine(read_engine_settings(CrtomoSettings, "crtomo", settings))


class CrtomoEngine:
    """Inversions by CRTomo and modellings by CRMod.

    Success is told by what they write, never by their exit codes, which are 0 after errors, too.

    Args:
        settings: its settings.
    """

    def __init__(self, settings: CrtomoSettings) -> None:
        self._settings = settings

    def version(self) -> str:
        """Return name and path of the program; it tells its version in ``inv/inv.ctr``.

        Raises:
            EngineMissing: it is not on this machine.
        """
        return f"CRTomo, {find_program(self._settings.crtomo)}"

    def find_job(self, directory: Path) -> str:
        """Return what a directory in CRTomo's layout needs, see `needed_work`."""
        return needed_work(directory)

    def run(self, job: ErtJob) -> ErtResult:
        """Model and invert in a copy of a directory.

        Args:
            job: the directory; the copy is the output directory.

        Raises:
            EngineMissing: a program is not on this machine.
            ErtError: the directory cannot be copied.
            InversionFailed: a program told an error, or did not come to its end.
        """
        _copy(job.input, job.output)
        for name in _STALE:
            (job.output / name).unlink(missing_ok=True)
        facts: dict[str, Fact] = {}
        if job.kind != INVERSION:
            facts["modelled"] = self._model(job.output)
        if job.kind == MODELLING:
            return ErtResult(facts, files={"data": DATA})
        return self._invert(job.output, facts)

    def _call(self, program: str, directory: Path, name: str) -> Path:
        log = directory / "exe" / f"{name}.log"
        run_program(
            find_program(program),
            directory / "exe",
            log,
            self._settings.threads,
            60.0 * self._settings.time_limit,
        )
        if (words := error_text(directory / _ERROR)) is not None:
            raise InversionFailed(f"{Path(program).name}: {words}")
        return log

    def _model(self, directory: Path) -> int:
        """Run CRMod, and return how many data it made."""
        log = self._call(self._settings.crmod, directory, "crmod")
        name = Path(self._settings.crmod).name
        if not (directory / DATA).is_file():
            raise InversionFailed(f"{name}: made no {DATA}; its last words: {last_words(log)}")
        try:
            modelled = read_resistances(directory / DATA)
            wanted = read_count(directory / CONFIGURATION)
        except ErtError as error:
            raise InversionFailed(f"{name}: {error}") from error
        if len(modelled) != wanted:
            raise InversionFailed(f"{name}: made {len(modelled)} of {wanted} data")
        if bad := sum(not math.isfinite(one) for one in modelled):
            raise InversionFailed(f"{name}: {bad} of {wanted} data are no numbers")
        return len(modelled)

    def _invert(self, directory: Path, facts: dict[str, Fact]) -> ErtResult:
        """Run CRTomo, and read how it went."""
        name = Path(self._settings.crtomo).name
        try:
            measured = read_resistances(directory / DATA)
        except ErtError:
            measured = []  # CRTomo says what is wrong with it
        if bad := sum(not math.isfinite(one) for one in measured):
            # It would iterate on them without an end.
            raise InversionFailed(f"{DATA}: {bad} of {len(measured)} data are no numbers", facts)
        try:
            log = self._call(self._settings.crtomo, directory, "crtomo")
        except InversionFailed as error:
            raise InversionFailed(str(error), {**facts, **_facts(directory, measured)}) from None
        facts |= _facts(directory, measured)
        if not is_finished(directory):
            raise InversionFailed(
                f"{name}: ended without {CONTROL} saying ***finished***; its last words: "
                f"{last_words(log)}",
                facts,
            )
        reason = stop_reason(directory / _RUN)
        if not reason:
            # After an exception in its model it says finished, with the model before that.
            raise InversionFailed(
                f"{name}: told no reason for its end in {_RUN}; its last words: {last_words(log)}",
                facts,
            )
        chi2 = facts.get("chi2")
        model = last_model(directory / _LAST_MODEL)
        if chi2 is None or not (directory / model).is_file() or not model:
            raise InversionFailed(f"{name}: left no final misfit or model", facts)
        facts |= {"stop_reason": reason, "converged": not is_limit(reason)}
        history = ControlFile.read(directory / CONTROL).history
        files = {"model": model, "control": CONTROL}
        return ErtResult(facts, tuple(value**2 for value in history), files)


def read_count(path: Path) -> int:
    """Return the number in the first line of a configuration.

    Raises:
        ErtError: there is none.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return int(stream.readline().split()[0])
    except OSError as error:
        raise ErtError(f"{path}: {error.strerror}") from error
    except (ValueError, IndexError):
        raise ErtError(f"{path}: line 1 must be the number of configurations") from None


def _facts(directory: Path, measured: list[float]) -> dict[str, Fact]:
    """Return what an inversion has told, also where it failed."""
    control = ControlFile.read(directory / CONTROL)
    facts: dict[str, Fact] = {"iterations": max(0, len(control.history) - 1)}
    if control.data:
        facts |= {"data": control.data, "cells": control.cells}
    if control.history and math.isfinite(control.history[-1]):
        facts["chi2"] = round(control.history[-1] ** 2, 6)
    if control.last_lambda is not None and math.isfinite(control.last_lambda):
        facts["lambda"] = control.last_lambda
    model = last_model(directory / _LAST_MODEL)
    if model:
        response = Path(model.replace("rho", "volt", 1)).with_suffix(".dat")
        try:
            rms = relative_rms(measured, read_resistances(directory / response))
        except ErtError:
            rms = None
        if rms is not None:
            facts["rms"] = round(rms, 6)
    return facts


def _copy(source: Path, target: Path) -> None:
    """Copy a directory; what it has replaces what an earlier attempt has left."""
    try:
        for entry in sorted(source.iterdir()):
            place = target / entry.name
            if entry.is_dir():
                shutil.rmtree(place, ignore_errors=True)
                shutil.copytree(entry, place)
            else:
                shutil.copy2(entry, place)
        # The programs make none of these, and Git and archives keep no empty ones.
        for name in ("inv", "mod", "exe"):
            (target / name).mkdir(exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise ErtError(f"{source}: cannot be copied to {target}: {error}") from error
