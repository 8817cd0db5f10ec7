"""Parsl's programs start without packages they never use, and take nothing from later imports."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("parsl", reason="needs the extra `endpoint` (Linux)")

PROGRAM = """
import json, sys
from headrace.compute.parsl_programs import import_parsl
import_parsl()
names = ("sqlalchemy", "globus_compute_sdk", "typeguard")
before = [name for name in names if name in sys.modules]
import parsl, globus_compute_sdk, typeguard
print(json.dumps([before, typeguard.typechecked.__module__, globus_compute_sdk.__name__]))
"""


def test_packages_that_are_not_used_are_not_imported_and_can_be() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    before, checks, client = json.loads(done.stdout)
    assert before == []
    assert (checks.split(".")[0], client) == ("typeguard", "globus_compute_sdk")


def test_the_pool_takes_parsls_options() -> None:
    program = "headrace.compute.parsl_programs.process_worker_pool"
    command = [sys.executable, "-m", program, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--max_workers_per_node" in done.stdout
