"""Parsl's programs start without packages they never use, and take nothing from later imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("parsl", reason="needs the extra `endpoint` (Linux)")

PROGRAM = """
import json, sys
from headrace.compute.parsl_programs import import_light
import_light(["globus_compute_endpoint.engines", "parsl.executors.high_throughput.interchange"])
names = ("sqlalchemy", "globus_sdk.services", "typeguard", "requests.api", "parsl.dataflow.dflow")
before = [name for name in names if name in sys.modules]
import globus_compute_sdk, parsl, parsl.app.python, requests, typeguard
from parsl.executors import ThreadPoolExecutor
from globus_compute_endpoint.exception_handling import get_error_string
from parsl.app.app import AppBase
print(json.dumps([
    before,
    typeguard.typechecked.__module__,
    globus_compute_sdk.Client.__module__,
    requests.get.__module__,
    parsl.__version__ == parsl.version.VERSION,
    [ThreadPoolExecutor.__module__, parsl.DataFlowKernel.__module__, parsl.load.__qualname__],
    issubclass(parsl.app.python.PythonApp, AppBase) and AppBase.__module__,
]))
"""


def test_packages_that_are_not_used_are_not_imported_and_can_be() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    before, checks, client, get, version, parsl, base = json.loads(done.stdout)
    assert before == []
    assert checks.split(".")[0] == "typeguard"
    assert (client, get) == ("globus_compute_sdk.sdk.client", "requests.api")
    assert version is True
    assert parsl == [
        "parsl.executors.threads",
        "parsl.dataflow.dflow",
        "DataFlowKernelLoader.load",
    ]
    assert base == "parsl.app.app"


DEFERRED = """
import json, sys
from headrace.compute.parsl_programs.deferred_packages import defer_package
deferred = [defer_package(name) for name in ("made", "made.within", "made.absent", "json")]
import made.within.module
from made import module
from made.within import other_name
told = ["noted" in sys.modules, module.VALUE, other_name]
absent = hasattr(made, "nothing")
told.append("noted" in sys.modules)
told += [made.RAN, made.VALUE, "noted" in sys.modules, type(made).__name__]
print(json.dumps([deferred, absent, told]))
"""


def test_a_deferred_package_gives_all_that_it_would_give(tmp_path: Path) -> None:
    within = tmp_path / "made" / "within"
    within.mkdir(parents=True)
    (tmp_path / "noted.py").write_text("")
    (tmp_path / "made" / "__init__.py").write_text(
        "import noted\nfrom .module import VALUE\nRAN = True\n"
    )
    (tmp_path / "made" / "module.py").write_text("VALUE = 7\n")
    (within / "__init__.py").write_text("from made.within.module import name as other_name\n")
    (within / "module.py").write_text("name = 'seven'\n")
    done = subprocess.run(
        [sys.executable, "-c", DEFERRED], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert json.loads(done.stdout) == [
        [True, True, False, False],
        False,
        [False, 7, "seven", False, True, 7, True, "module"],
    ]


def test_the_pool_takes_parsls_options() -> None:
    program = "headrace.compute.parsl_programs.process_worker_pool"
    command = [sys.executable, "-m", program, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--max_workers_per_node" in done.stdout
