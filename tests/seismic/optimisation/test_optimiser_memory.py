"""Vectors that do not fit into memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHAPE = (500, 400, 500)
VECTOR = 4 * 500 * 400 * 500

CHILD = """
import resource, sys
from pathlib import Path
import numpy as np
from headrace.seismic.models import FieldReader, FieldWriter, Provenance
from headrace.seismic.optimisation import Optimiser, Settings
from tests.support.seismic.optimiser_problems import layout_for

place, shape = Path(sys.argv[1]), tuple(int(n) for n in sys.argv[2].split(","))
layout = layout_for(shape, "float32")

def weights(slab):
    return 1.0 + (np.arange(slab.first, slab.end) % 3)[:, None, None]

def centre(slab):
    # Every seventh row is wanted beyond its bound.
    return np.where(np.arange(slab.first, slab.end) % 7, 2900.0, 3100.0)[:, None, None]

with FieldWriter(place / "start.h5", layout, "model", Provenance("test")) as writer:
    for slab in layout.slabs():
        writer.append("a", np.full((slab.end - slab.first, *shape[1:]), 3000.0))
settings = Settings(max_relative_model_change=None, bounds={"a": (1000.0, 3090.0)})
optimiser = Optimiser.create(place / "optimiser", place / "start.h5", settings)
task, misfits = optimiser.ask(), []
while len(optimiser.state.pairs) < 2 or task.kind != "misfit":
    total = 0.0
    with (
        FieldReader(task.model) as model,
        FieldWriter(place / "gradient.h5", layout, "gradient", Provenance("test")) as gradient,
    ):
        for name, slab, block in model.blocks():
            away = np.log(block / centre(slab))
            total += float(np.sum(0.5 * weights(slab) * away**2))
            gradient.append(name, weights(slab) * away)
    told = {}
    if "misfit" in task.kind:
        told["misfit"] = total
        misfits.append(total)
    if "gradient" in task.kind:
        told["gradient"] = place / "gradient.h5"
    task = optimiser.tell(task.name, **told)
    assert task.kind not in ("finished", "stopped"), task.reason
assert misfits[-1] < 0.5 * misfits[0]
print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(place: Path, shape: tuple[int, ...]) -> int:
    """Most memory that an optimisation took, bytes."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(place), ",".join(str(n) for n in shape)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(child.stdout)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_million_parameters_take_less_memory_than_three_vectors(tmp_path: Path) -> None:
    if shutil.disk_usage(tmp_path).free < 12 * VECTOR:
        pytest.skip("needs 5 GB of free disk space")
    try:
        assert peak(tmp_path, SHAPE) < 3 * VECTOR
    finally:
        shutil.rmtree(tmp_path)


def test_memory_does_not_grow_with_the_model(tmp_path: Path) -> None:
    few, many = [tmp_path / "few", tmp_path / "many"]
    few.mkdir()
    many.mkdir()
    small = peak(few, (20, 200, 500))
    large = peak(many, (80, 200, 500))
    # Four times the model is 24 MB more per vector in float32; more than a dozen are kept.
    assert large - small < 3 * 4 * 60 * 200 * 500
