"""An engine of molecular dynamics in one file: a particle on a spring, without friction."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.md import Energies, LegDirectory, MdError, Position, Stretch

STEP_PS = 0.001


class SpringEngine:
    """Moves a particle of 1 u on a spring; its checkpoint is a line of JSON."""

    def __init__(self, stiffness: float) -> None:
        self.stiffness = stiffness

    def version(self) -> str:
        return "springs 1.0"

    def prepare(self, leg: LegDirectory) -> None:
        start = leg.state / "start.json"
        if not start.exists():
            start.write_text((leg.input / "start.json").read_text())

    def settle(self, leg: LegDirectory) -> Position:
        # A line is whole when it ends with its line end.
        path, target = leg.state / "checkpoints.jsonl", self._start(leg)["steps"]
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith("\n"):
            path.write_text("".join(lines[:-1]))
            lines.pop()
        return Position(json.loads(lines[-1])["step"] if lines else 0, target, STEP_PS)

    def advance(self, leg: LegDirectory, stretch: Stretch) -> None:
        step = self.settle(leg).step
        with (leg.state / "checkpoints.jsonl").open("a") as stream:
            while step < stretch.end_step and not stretch.stop.requested:
                step += 1
                stream.write(json.dumps({"step": step}) + "\n")
                stream.flush()

    def energies(self, leg: LegDirectory) -> Energies:
        begin = json.loads((leg.path / "plan.json").read_text())["first_step"]
        times = [step * STEP_PS for step in range(begin + 1, self.settle(leg).step + 1)]
        stretched = self._start(leg)["stretched"]
        angles = [math.sqrt(self.stiffness) * time for time in times]
        potential = [self.stiffness / 2 * (stretched * math.cos(a)) ** 2 for a in angles]
        return Energies({"time_ps": times, "potential_kj_mol": potential})

    def files(self, leg: LegDirectory) -> list[Path]:
        return []  # no trajectory

    def _start(self, leg: LegDirectory) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((leg.state / "start.json").read_text())
        except ValueError as error:
            raise MdError(f"{leg.state / 'start.json'}: not JSON: {error}") from None
        return found


def make(settings: Mapping[str, Any]) -> SpringEngine:
    return SpringEngine(float(settings.get("stiffness", 1.0)))
