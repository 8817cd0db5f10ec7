"""pyGIMLi as an engine: one file of the unified data format becomes a model of resistivity.

The model and the misfit are those that ``ERTManager.invert`` of pyGIMLi gives by itself, with one
thread. Sources: https://www.pygimli.org, C. Rücker, T. Günther, F. M. Wagner (2017), pyGIMLi: An
open-source library for modelling and inversion in geophysics, Computers and Geosciences 109,
106-123.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import atomic_replacement
from headrace.ert.data_files import candidates, declared_data, find_data_file
from headrace.ert.engine import INVERSION, ErtJob, ErtResult
from headrace.ert.errors import ErtError, Fact, InversionFailed
from headrace.ert.pygimli_import import import_pygimli
from headrace.ert.settings import PygimliSettings, read_engine_settings

RESULT: Final = "result.json"
MODEL: Final = "model.npz"
MODEL_VTK: Final = "model.vtk"
RESPONSE: Final = "response.dat"
_WORDS_OF_AN_ERROR: Final = 300


def make(settings: Mapping[str, Any]) -> PygimliEngine:
    """Make the engine.

    Args:
        settings: the table ``[pygimli]``.

    Raises:
        SettingsError: a setting is unknown or wrong.
    """
    return PygimliEngine(read_engine_settings(PygimliSettings, "pygimli", settings))


class PygimliEngine:
    """Inversions by pyGIMLi.

    Args:
        settings: its settings.
    """

    def __init__(self, settings: PygimliSettings) -> None:
        self._settings = settings

    def version(self) -> str:
        """Return name and version of pyGIMLi.

        Raises:
            EngineMissing: it is not installed.
        """
        import_pygimli()
        # Its own __version__ is that of the Git repository in which the program was started.
        return f"pyGIMLi {metadata.version('pygimli')}"

    def find_job(self, directory: Path) -> str:
        """Return ``inversion`` for a directory with a data file and no result; else nothing."""
        if is_done(directory) or not find_data_file(directory, self._settings.data):
            return ""
        return INVERSION

    def run(self, job: ErtJob) -> ErtResult:
        """Invert the data of a directory.

        Writes ``model.npz``, ``model.vtk`` and ``response.dat``, each in one step. pyGIMLi writes
        the data that it leaves out to ``invalid.data``.

        Args:
            job: the directory, and where results go.

        Raises:
            EngineMissing: pyGIMLi is not installed.
            ErtError: the data cannot be read.
            InversionFailed: the data cannot be inverted, or what came out is no inversion.
        """
        path = find_data_file(job.input, self._settings.data)
        if path is None:
            for one in candidates(job.input, self._settings.data):
                declared_data(one)  # says what is wrong with it
            raise ErtError(f"{job.input}: no data file of the unified data format")
        pg = import_pygimli()
        data, facts = self._read_data(pg, path, job.output)
        manager = _invert(pg, data, self._settings.invert, facts)
        history = tuple(float(value) for value in manager.inv.chi2History)
        facts |= _outcome(manager, history, self._settings.invert)
        _write_model(pg, manager, job.output)
        _write_response(data, manager, job.output)
        files = {"model": MODEL, "picture data": MODEL_VTK, "response": RESPONSE}
        return ErtResult(facts, history, files)

    def _read_data(self, pg: Any, path: Path, output: Path) -> tuple[Any, dict[str, Fact]]:
        """Read the data, with apparent resistivities and errors."""
        declared = declared_data(path)
        try:
            # invalid.data is written where it runs.
            with contextlib.chdir(output):
                data = pg.DataContainerERT(str(path))
        except (RuntimeError, ValueError, IndexError) as error:
            raise InversionFailed(f"{path.name}: cannot be read: {_one_line(error)}") from error
        data.removeInvalid()
        _require_data(data, path)
        try:
            _add_apparent_resistivities(pg, data, path)
            # Logarithms are inverted.
            data.remove(data["rhoa"] <= 0.0)
            _require_data(data, path)
            if not data.allNonZero("err"):
                data["err"] = pg.physics.ert.estimateError(
                    data,
                    relativeError=self._settings.relative_error,
                    absoluteError=self._settings.absolute_error,
                )
        except RuntimeError as error:
            raise InversionFailed(f"{path.name}: {_one_line(error)}") from error
        return data, {"data": data.size(), "data_left_out": declared - data.size()}


def is_done(directory: Path) -> bool:
    """Return whether a directory has a result that counts."""
    try:
        found = json.loads((directory / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("state") == "done"


def _require_data(data: Any, path: Path) -> None:
    if data.size() == 0:
        raise InversionFailed(f"{path.name}: no datum with a positive apparent resistivity")


def _add_apparent_resistivities(pg: Any, data: Any, path: Path) -> None:
    """Add geometric factors and apparent resistivities where the file has none."""
    if not data.allNonZero("k"):
        heights = [position[2] for position in data.sensorPositions()]
        topography = max(heights) - min(heights) > 0.0
        data["k"] = pg.physics.ert.createGeometricFactors(data, numerical=topography)
    if data.haveData("rhoa"):
        return
    if data.allNonZero("r"):
        data["rhoa"] = data["r"] * data["k"]
    elif data.allNonZero("u") and data.allNonZero("i"):
        data["rhoa"] = data["u"] / data["i"] * data["k"]
    else:
        raise InversionFailed(
            f"{path.name}: has neither apparent resistivities (rhoa), nor resistances (r), nor "
            "voltages and currents (u, i)"
        )


def _invert(pg: Any, data: Any, arguments: Mapping[str, Any], facts: dict[str, Fact]) -> Any:
    manager = pg.physics.ert.ERTManager(data)
    # With the default number of threads the Jacobian of some builds is zero, without a word.
    # pygimli.setThreadCount does not reach the forward operator.
    manager.fop._core.setThreadCount(1)
    try:
        manager.invert(data, verbose=False, **arguments)
    except (RuntimeError, ValueError, ArithmeticError, IndexError) as error:
        raise InversionFailed(f"pyGIMLi: {_one_line(error)}", facts) from error
    return manager


def _outcome(
    manager: Any, history: tuple[float, ...], arguments: Mapping[str, Any]
) -> dict[str, Fact]:
    """Return the facts of an inversion.

    Raises:
        InversionFailed: its Jacobian or its model cannot be those of an inversion.
    """
    import numpy as np

    inversion = manager.inv
    iterations = len(history) - 1
    limit = int(arguments.get("maxIter", inversion.maxIter))
    chi2, rms = float(inversion.chi2()), float(inversion.relrms())
    facts: dict[str, Fact] = {
        "chi2": round(chi2, 6),
        "rms": round(rms, 6),
        "iterations": iterations,
        "cells": len(inversion.model),
        "lambda": float(inversion.inv.getLambda()),
    }
    model = np.asarray(inversion.model, dtype=float)
    if not (np.isfinite(model).all() and np.isfinite([chi2, rms]).all()):
        raise InversionFailed("the model or its misfit has values that are no numbers", facts)
    sensitivity = np.abs(np.asarray(manager.fop.jacobian(), dtype=float)).sum()
    if not (np.isfinite(sensitivity) and sensitivity > 0.0):
        raise InversionFailed(
            "the Jacobian is zero: the model was not inverted; pyGIMLi's threads may be the cause, "
            "set OMP_NUM_THREADS=1",
            facts,
        )
    if chi2 <= 1.0 and arguments.get("stopAtChi1", True):
        reason, converged = "chi-square of 1 or less", True
    elif iterations >= limit:
        reason, converged = f"{limit} iterations, the limit", False
    else:
        change = float(arguments.get("dPhi", inversion.minDPhi))
        reason, converged = f"improved by less than {change:g} %", True
    return {**facts, "stop_reason": reason, "converged": converged}


def _write_model(pg: Any, manager: Any, output: Path) -> None:
    """Write the model: arrays for programs, and a mesh for ParaView."""
    import numpy as np

    mesh = pg.Mesh(manager.paraDomain)
    resistivity = np.asarray(manager.paraModel(), dtype=float)
    coverage = np.asarray(manager.coverage(), dtype=float)
    cells = [[node.id() for node in cell.nodes()] for cell in mesh.cells()]
    width = max(map(len, cells))
    # A cell with fewer nodes than the others ends with -1.
    padded = np.array([ids + [-1] * (width - len(ids)) for ids in cells], dtype=np.int64)
    nodes = np.array([[node.x(), node.y(), node.z()] for node in mesh.nodes()])
    with atomic_replacement(output / MODEL) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            resistivity=resistivity,
            log10_coverage=coverage,
            nodes=nodes,
            cells=padded,
            centers=np.array([[c.x(), c.y(), c.z()] for c in mesh.cellCenters()]),
        )
    mesh["resistivity"] = resistivity
    mesh["log10_coverage"] = coverage
    with atomic_replacement(output / MODEL_VTK) as temporary:
        # pyGIMLi adds the ending where it is missing.
        written = temporary.with_name(f"{temporary.name}.vtk")
        mesh.exportVTK(str(written))
        written.replace(temporary)


def _write_response(data: Any, manager: Any, output: Path) -> None:
    """Write the data with the model's response, as a file of the unified data format."""
    data["response"] = manager.inv.response
    with atomic_replacement(output / RESPONSE) as temporary:
        data.save(str(temporary), "a b m n rhoa err k response", "x z")


def _one_line(error: BaseException) -> str:
    """Return the words of an error of pyGIMLi in one line, without places of its source."""
    text = " ".join(str(error).split()) or type(error).__name__
    _, found, words = text.rpartition(") ")
    text = words.strip() if found and words.strip() else text
    return text if len(text) <= _WORDS_OF_AN_ERROR else f"{text[:_WORDS_OF_AN_ERROR]}..."
