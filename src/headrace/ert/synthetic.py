"""Sections that were never measured: models, their data with noise, in the unified data format.

The lines of electrodes are those of pyGIMLi's examples: equal distances along a flat surface. The
models are layers with bodies in them, drawn by a seed; their data are computed by pyGIMLi.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import atomic_replacement, directory_replacement, write_atomic
from headrace.ert.errors import SettingsError
from headrace.ert.pygimli_import import import_pygimli

ARRAYS: Final[Mapping[str, str]] = {
    "dipole-dipole": "dd",
    "wenner": "wa",
    "schlumberger": "slm",
}
"""pyGIMLi's names of the arrays of electrodes."""

DATA: Final = "data.dat"
TRUTH: Final = "truth.json"
_FEWEST_ELECTRODES: Final = 8


@dataclass(frozen=True)
class Body:
    """A body in a section.

    Attributes:
        x: of its centre, m.
        depth: of its centre, m.
        radius: m.
        resistivity: ohm m.
    """

    x: float
    depth: float
    radius: float
    resistivity: float


@dataclass(frozen=True)
class Section:
    """A section that was never measured.

    Attributes:
        seed: another one is another model and other noise.
        array: one of `ARRAYS`.
        electrodes: how many, at least 8.
        spacing: distance of two electrodes, m.
        noise: relative standard deviation of the noise; 0.02 is 2 %.

    Raises:
        SettingsError: a value cannot be used.
    """

    seed: int = 1
    array: str = "dipole-dipole"
    electrodes: int = 21
    spacing: float = 1.0
    noise: float = 0.02

    def __post_init__(self) -> None:
        if self.array not in ARRAYS:
            raise SettingsError(f"array {self.array!r}: there are {', '.join(ARRAYS)}")
        if self.electrodes < _FEWEST_ELECTRODES:
            raise SettingsError(
                f"electrodes {self.electrodes}: must be at least {_FEWEST_ELECTRODES}"
            )
        if self.spacing <= 0.0:
            raise SettingsError(f"spacing {self.spacing}: must be above 0")
        if not 0.0 < self.noise < 1.0:
            raise SettingsError(f"noise {self.noise}: must be between 0 and 1; 0.02 is 2 %")

    @property
    def length(self) -> float:
        """Length of the line of electrodes, m."""
        return self.spacing * (self.electrodes - 1)


@dataclass(frozen=True)
class Model:
    """The model of a section.

    Attributes:
        layer_depth: depth of the first layer's lower side, m.
        layers: resistivities of the two layers, ohm m.
        bodies: what lies in the second one.
    """

    layer_depth: float
    layers: tuple[float, float]
    bodies: tuple[Body, ...]


def draw_model(section: Section) -> Model:
    """Return the model of a section, which its seed alone decides."""
    drawn = random.Random(section.seed)  # noqa: S311 - a model, no secret
    length = section.length
    layer = round(length * drawn.uniform(0.04, 0.08), 3)
    background = round(drawn.uniform(80.0, 300.0), 1)
    bodies = []
    for place in range(drawn.choice((1, 2))):
        radius = length * drawn.uniform(0.05, 0.08)
        side = -1 if place else 1
        bodies.append(
            Body(
                x=round(length * (0.5 + side * drawn.uniform(0.08, 0.2)), 3),
                depth=round(layer + radius * drawn.uniform(1.2, 1.6), 3),
                radius=round(radius, 3),
                resistivity=round(background * drawn.choice((0.1, 0.2, 5.0, 8.0)), 1),
            )
        )
    top = round(background * drawn.uniform(0.5, 2.0), 1)
    return Model(layer, (top, background), tuple(bodies))


def write_section(directory: Path, section: Section) -> Path:
    """Write the data of a section, and beside them the model that they are of.

    Args:
        directory: to be made; one that is there is replaced.
        section: what is measured.

    Returns:
        The file with the data, ``data.dat``.

    Raises:
        EngineMissing: pyGIMLi is not installed.
        OSError: it cannot be written.
    """
    model = draw_model(section)
    data = _simulate(section, model)
    with directory_replacement(directory) as partial:
        with atomic_replacement(partial / DATA) as temporary:
            data.save(str(temporary), "a b m n rhoa err k", "x z")
        truth = {"section": asdict(section), "model": asdict(model)}
        write_atomic(partial / TRUTH, json.dumps(truth, indent=1) + "\n", mode=0o644)
    return directory / DATA


def _simulate(section: Section, model: Model) -> Any:
    import numpy as np

    pg = import_pygimli()
    meshtools, ert = pg.meshtools, pg.physics.ert
    margin, depth = 2.0 * section.length, 1.5 * section.length
    world = meshtools.createWorld(
        start=[-margin, 0.0],
        end=[section.length + margin, -depth],
        layers=[-model.layer_depth],
        worldMarker=True,
    )
    resistivities = [[1, model.layers[0]], [2, model.layers[1]]]
    for number, body in enumerate(model.bodies, start=3):
        world += meshtools.createCircle(
            pos=[body.x, -body.depth], radius=body.radius, marker=number, nSegments=16
        )
        resistivities.append([number, body.resistivity])
    scheme = ert.createData(
        elecs=np.linspace(0.0, section.length, section.electrodes),
        schemeName=ARRAYS[section.array],
    )
    for position in scheme.sensors():
        world.createNode(position)
        world.createNode(position - [0.0, 0.1 * section.spacing])
    mesh = meshtools.createMesh(world, quality=33.0)
    # Only clean data are computed by pyGIMLi: it has its noise from a generator of its own.
    clean = ert.simulate(
        mesh, scheme=scheme, res=resistivities, noiseLevel=0.0, noiseAbs=0.0, verbose=False
    )
    drawn = np.random.default_rng(section.seed)
    clean["err"] = pg.Vector(clean.size(), section.noise)
    clean["rhoa"] = clean["rhoa"] * (1.0 + section.noise * drawn.standard_normal(clean.size()))
    clean.remove(clean["rhoa"] <= 0.0)
    return clean
