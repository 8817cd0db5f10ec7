"""What is muted or tapered stays as it was, from the kernel to the last model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.seismic.models import read_model
from headrace.seismic.solvers import read_event
from tests.support.seismic import ray_inversion as rays

MASKS = """
[mutes.sources]
radius = 0.15
width = 0.2
[mutes.stations]
radius = 120.0
width = 150.0
units = "m"

[[tapers]]
axis = "x"
side = "first"
offset = 0.3
width = 0.4
[[tapers]]
axis = "x"
side = "last"
offset = 0.2
width = 0.0
"""


def test_the_model_stays_about_sources_stations_and_sides(tmp_path: Path) -> None:
    paths = rays.make(tmp_path / "inversion")
    paths.settings.write_text(paths.settings.read_text() + MASKS)
    answers = rays.run_all(paths)
    assert all(answer["misfit_after"] < answer["misfit"] for answer in answers)
    start = read_model(paths.model(0))
    z, x = np.meshgrid(*(start.axis(name).values for name in "zx"), indexing="ij")
    empty = (x <= 300.0) | (x > 2800.0)
    for directory in sorted(paths.events.iterdir()):
        event = read_event(directory)
        empty |= np.hypot(z - event.source.z, x - event.source.x) <= 150.0
        for at in event.receivers:
            empty |= np.hypot(z - at.z, x - at.x) <= 120.0
    kernels = sorted(paths.root.glob("evaluations/*/kernels/processed.h5"))
    assert len(kernels) == len(answers)
    for kernel in kernels:
        values = read_model(kernel).fields["vp"]
        assert not values[empty].any()
        assert np.count_nonzero(values[~empty]) > 0.9 * np.count_nonzero(~empty)
    last = max((paths.optimiser / "models").glob("[0-9][0-9][0-9].h5"))
    changed = read_model(last).fields["vp"] / start.fields["vp"] - 1.0
    assert np.abs(changed[empty]).max() < 1e-14
    assert np.abs(changed[~empty]).max() > 0.01
