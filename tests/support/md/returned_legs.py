"""Legs as they come back, written without running an engine."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from headrace.md import LegOutcome
from headrace.md.energies import Energies

BOX = (2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0)


def frame(step: int) -> bytes:
    """A frame as GROMACS writes one of two atoms."""
    head = struct.pack(">iiif9fi", 1995, 2, step, step * 0.002, *BOX, 2)
    return head + struct.pack(">6f", *range(6))


def write_leg(
    root: Path, name: str, first: int, last: int, previous: str = "", frames: range | None = None
) -> Path:
    """Writes a leg as it comes back: 100 steps between two frames."""
    place = root / name
    (place / "parts").mkdir(parents=True)
    steps = range(first, last, 100) if frames is None else frames
    (place / "parts/run.part0001.xtc").write_bytes(b"".join(map(frame, steps)))
    outcome = LegOutcome(
        engine="gromacs",
        version="GROMACS 2022.5",
        previous=previous,
        first_step=first,
        step=last,
        target_step=2000,
        time_ps=last * 0.002,
        step_ps=0.002,
        done=last == 2000,
        complete=True,
        frames=len(steps),
        ns_per_day=50.0,
        temperature_k=300.0,
        potential_kj_mol=-9000.0,
        total_kj_mol=-7000.0,
        pressure_bar=None,
        files=("parts/run.part0001.xtc",),
    )
    (place / "leg.json").write_text(json.dumps(outcome.to_dict()))
    times = [step * 0.002 for step in range(first, last, 50)]
    columns = {
        "time_ps": times,
        "potential_kj_mol": [-9000.0 + time for time in times],
        "temperature_k": [300.0 + (-1) ** row for row, _ in enumerate(times)],
    }
    Energies(columns).write(place / "parts/energies.csv")
    return place
