"""A package that is deferred gives all that it would give, to every thread, whatever fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("parsl", reason="needs the extra `endpoint` (Linux)")

# Each row is evaluated in a process of its own: what one asks for may help the next.
ROWS = """
import json, multiprocessing, sys
from headrace.compute.parsl_programs import import_light
from headrace.compute.parsl_programs.deferred_packages import (
    DeferredPackage, withdraw_deferred_packages
)

def evaluate(row):
    withdraw, expression = row
    held = {name: sys.modules[name] for name in ("requests", "globus_compute_sdk", "parsl")}
    assert {type(package) for package in held.values()} == {DeferredPackage}
    if withdraw:
        withdraw_deferred_packages()
        left = [m for m in list(sys.modules.values()) if type(m) is DeferredPackage]
        assert left == [], left
    name = next(name for name in held if name in expression)
    package = __import__(name)
    assert package is held[name]
    assert not withdraw or type(package).__name__ == "module"
    try:
        return eval(expression, {"sys": sys, name: package})
    except Exception as error:
        return repr(error)

expressions = json.load(sys.stdin)
import_light(["globus_compute_endpoint.engines.helper"])
with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
    print(json.dumps([
        pool.map(evaluate, [(withdraw, one) for one in expressions], 1)
        for withdraw in (False, True)
    ]))
"""
GIVEN = {
    "requests.utils.__name__": "requests.utils",
    "requests.packages.urllib3.disable_warnings()": None,
    "requests.packages.urllib3.__name__": "urllib3",
    "requests.auth.HTTPBasicAuth('u', 'p').username": "u",
    "requests.exceptions.Timeout.__name__": "Timeout",
    "requests.adapters.HTTPAdapter.__name__": "HTTPAdapter",
    "requests.cookies.__name__": "requests.cookies",
    "requests.get.__module__ and type(requests.__version__).__name__": "str",
    "requests.Session().headers['Accept']": "*/*",
    "hasattr(requests, 'nothing')": False,
    "'get' in requests.__all__": True,
    "requests.__spec__.loader is requests.__loader__": True,
    "globus_compute_sdk.serialize.ComputeSerializer.__name__": "ComputeSerializer",
    "globus_compute_sdk.Client.__name__": "Client",
    "globus_compute_sdk.errors is sys.modules['globus_compute_sdk.errors']": True,
    "type(globus_compute_sdk.__version__).__name__": "str",
    "parsl.executors.HighThroughputExecutor.__name__": "HighThroughputExecutor",
    "parsl.serialize is sys.modules['parsl.serialize']": True,
}


def test_packages_that_users_import_give_all_that_they_would_give() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ROWS],
        capture_output=True,
        text=True,
        check=True,
        input=json.dumps(list(GIVEN)),
    )
    deferred, withdrawn = json.loads(done.stdout)
    assert dict(zip(GIVEN, deferred, strict=True)) == GIVEN
    assert dict(zip(GIVEN, withdrawn, strict=True)) == GIVEN


def run_with_package(directory: Path, package: str, program: str) -> Any:
    (directory / "made").mkdir()
    (directory / "made" / "__init__.py").write_text(package)
    (directory / "made" / "module.py").write_text("VALUE = 7\n")
    begin = "import json\nfrom headrace.compute.parsl_programs.deferred_packages import *\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + program],
        capture_output=True,
        text=True,
        check=True,
        cwd=directory,
    )
    return json.loads(done.stdout)


SLOW = """
import __main__
FIRST = 1
__main__.began.set()
__main__.asked.wait(1)
LAST = 2
"""
TWO_THREADS = """
import threading
began, asked = threading.Event(), threading.Event()
defer_package("made")
import made
running = threading.Thread(target=lambda: made.FIRST)
running.start()
began.wait(60)
try:
    told = made.LAST
except AttributeError as error:
    told = str(error)
asked.set()
running.join()
print(json.dumps([told, type(made).__name__]))
"""


def test_a_second_thread_waits_until_the_package_has_run(tmp_path: Path) -> None:
    assert run_with_package(tmp_path, SLOW, TWO_THREADS) == [2, "module"]


FAILING = """
import __main__
FIRST = 1
if not __main__.allowed:
    raise ImportError("not yet")
LAST = 2
"""
TWO_ATTEMPTS = """
allowed = False
told = []
defer_package("made")
import made
if WITHDRAWN:
    withdraw_deferred_packages()
for allowed in (False, False, True):
    try:
        told.append(made.LAST)
    except Exception as error:
        told.append(repr(error))
import made as imported
print(json.dumps([told, imported is made]))
"""


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_package_that_failed_is_run_again(tmp_path: Path, withdrawn: bool) -> None:
    program = TWO_ATTEMPTS.replace("WITHDRAWN", str(withdrawn))
    failed = "ImportError('not yet')"
    assert run_with_package(tmp_path, FAILING, program) == [[failed, failed, 2], True]


WITHDRAW = """
import sys
defer_package("made")
import made.module
held = made
withdraw_deferred_packages()
told = ["made" in sys.modules, held.RAN, "made" in sys.modules]
import made
print(json.dumps([told, made is held, made.module.VALUE, defer_package("made")]))
"""


def test_a_withdrawn_package_runs_in_the_module_that_others_hold(tmp_path: Path) -> None:
    told = run_with_package(tmp_path, "RAN = True\n", WITHDRAW)
    assert told == [[False, True, True], True, 7, False]
