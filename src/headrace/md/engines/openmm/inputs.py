"""Input of a simulation by OpenMM: its files, and how often it writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from headrace._internal.settings import Key, PlainWording, Reading, TomlDocument, table_of
from headrace.md.errors import MdError

SYSTEM: Final = "system.xml"
INTEGRATOR: Final = "integrator.xml"
TOPOLOGY: Final = "topology.pdb"
START: Final = "start.xml"
SIMULATION: Final = "simulation.toml"

FILES: Final = (SYSTEM, INTEGRATOR, TOPOLOGY, START, SIMULATION)
"""Files of the input: system, integrator and first state as OpenMM serialises them, the topology,
and `SimulationSettings`."""


@dataclass(frozen=True)
class SimulationSettings:
    """Length of a simulation, and how often it writes: ``simulation.toml``.

    Attributes:
        steps: its last step.
        frame_steps: steps between two frames of the trajectory.
        energy_steps: steps between two rows of the energies.
    """

    steps: Annotated[int, Key("The last step of the simulation.", minimum=1)]
    frame_steps: Annotated[int, Key("Steps between two frames of the trajectory.", minimum=1)] = (
        5000
    )
    energy_steps: Annotated[int, Key("Steps between two rows of the energies.", minimum=1)] = 1000


def read_simulation(path: Path) -> SimulationSettings:
    """Read ``simulation.toml``.

    Raises:
        MdError: it cannot be read, or a key is wrong.
    """
    document = TomlDocument.read_or_raise(path, MdError)
    return Reading(document, PlainWording()).read_or_raise(table_of(SimulationSettings), MdError)
