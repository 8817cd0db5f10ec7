"""The embedded solver: the same bits by every object, in every process, in any order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.solvers import Receiver, Source, read_event, write_simulation_event
from tests.support.optional_packages import skip_without
from tests.support.repository import REPOSITORY, SUPPORT
from tests.support.seismic.small_models import (
    SMALL,
    bumps,
    small_event,
    small_model,
    write_adjoint_sources,
    write_medium,
)

skip_without("devito", "inversion")

PROGRAM = SUPPORT / "seismic" / "solver_hash_program.py"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bits")
    small_model(place / "model.h5")
    small_model(place / "other.h5", {"vp": bumps(7, 0.02)})
    shape = (26, 40)
    vp, rho = (scale * np.exp(bumps(3, 0.1, shape)) for scale in (2000.0, 1000.0))
    write_medium(place / "wide.h5", vp, rho)
    small_event(place / "shot")
    # Stations so near each other that they share points of the grid.
    near = [Receiver("HR", f"N{i:02d}", 101.0 + 0.7 * i, 14.0 + 0.3 * i) for i in range(12)]
    write_simulation_event(place / "near", Source(153.0, 161.0, frequency=12.0), near)
    axis = TimeAxis(SMALL["start"], SMALL["dt"], SMALL["npts"])  # type: ignore[arg-type]
    for name in ("shot", "near"):
        event = read_event(place / name)
        noise = np.random.default_rng(0).normal(size=(len(event.receivers), axis.npts))
        write_adjoint_sources(place / f"adj_{name}", event, axis, list(noise))
    return place


def run(place: Path, *steps: str) -> list[list[Any]]:
    """What one process computes: for each step that computes, its name and the hashes."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(place), *steps],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_WAIT_POLICY": "passive"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_object_of_every_process_gives_the_same_bits(place: Path) -> None:
    found = [
        *run(place, "shot", "near", "other", "new", "near", "shot"),
        *run(place, "fast", "wide", "other", "shot"),
        *run(place, "order", "shot", "new", "wide"),
    ]
    for name in ("shot", "near", "other", "wide"):
        hashes = [one for step, one in found if step == name]
        assert len(hashes) >= 2
        assert all(one == hashes[0] for one in hashes)
    # They are not the same for want of anything in them.
    assert len({json.dumps(one) for _, one in found}) == 5


def test_threads_do_not_change_the_order_of_sums(place: Path) -> None:
    first = run(place, "threads", "near", "new", "shot", "threads", "near")
    second = run(place, "fast", "threads", "near")
    found = [one for step, one in first + second if step == "threads near"]
    assert len(found) == 3
    assert all(one == found[0] for one in found)
