"""An engine for resistivity data: the mean of the apparent resistivities as the model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.ert.engine import INVERSION, ErtJob, ErtResult
from headrace.ert.errors import InversionFailed


class MeanResistivity:
    """A half space for ``values.txt``, a file with one apparent resistivity a line."""

    def version(self) -> str:
        return "mean resistivity 1"

    def find_job(self, directory: Path) -> str:
        return INVERSION if (directory / "values.txt").is_file() else ""

    def run(self, job: ErtJob) -> ErtResult:
        values = [float(line) for line in (job.input / "values.txt").read_text().split()]
        if not values:
            raise InversionFailed("values.txt: holds no values")
        mean = sum(values) / len(values)
        (job.output / "model.txt").write_text(f"{mean}\n")
        rms = (sum((value / mean - 1.0) ** 2 for value in values) / len(values)) ** 0.5
        facts = {"rms": 100.0 * rms, "data": len(values), "cells": 1, "stop_reason": "computed"}
        return ErtResult(facts, files={"model": "model.txt"})


def make(settings: Mapping[str, Any]) -> MeanResistivity:
    return MeanResistivity()
