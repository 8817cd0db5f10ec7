"""A cluster, and the settings of a job, for the tests of repeated jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.compute.batch.settings import JobSettings
from tests.support.compute.cluster import Cluster


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def settings(tmp_path: Path) -> JobSettings:
    script = tmp_path / "work.sbatch"
    script.write_text("#!/bin/bash\ntrue\n")
    return JobSettings(script, walltime="01:00:00")
