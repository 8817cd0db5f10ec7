"""What packages offer: every public name is what it says, in a process that did nothing before."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

import headrace

# Asks for each name in a process that did nothing before, then imports every module of the package,
# and asks again. Importing a submodule binds it in the package: it must not take the place of a
# function of the same name.
PROGRAM = """
import importlib, json, os, pkgutil, sys, types
package = sys.argv[1]
module = importlib.import_module(package)

def ask(name):
    scope = {}
    exec(f"from {package} import {name} as found", scope)
    return scope["found"]

fresh = {}
for name in module.__all__:
    child = os.fork()
    if not child:
        try:
            os._exit(isinstance(ask(name), types.ModuleType))
        except BaseException as error:
            print(f"{name}: {error!r}", file=sys.stderr, flush=True)
            os._exit(2)
    fresh[name] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
first = {name: ask(name) for name in module.__all__}
for found in pkgutil.iter_modules(module.__path__):
    if not found.name.startswith("__"):
        try:
            importlib.import_module(f"{package}.{found.name}")
        except ImportError:
            pass  # an optional part that is not installed here
print(json.dumps({
    name: {
        "fresh": fresh[name],
        "same": first[name] is ask(name),
        "attribute": getattr(module, name) is first[name],
    }
    for name in module.__all__
}))
"""


def packages() -> list[str]:
    walked = pkgutil.walk_packages(headrace.__path__, "headrace.")
    return ["headrace", *(found.name for found in walked if found.ispkg)]


def is_lazy(package: str) -> bool:
    return hasattr(importlib.import_module(package), "__getattr__")


PACKAGES = packages()
LAZY = [package for package in PACKAGES if is_lazy(package)]


def test_there_are_lazy_names_to_look_at() -> None:
    expected = {"headrace.hosted", "headrace.flowlang", "headrace.compute", "headrace.seismic"}
    assert expected <= set(LAZY)
    assert "login" in importlib.import_module("headrace.hosted").__all__


@pytest.mark.parametrize("package", LAZY)
def test_lazy_names_are_what_they_say_in_a_fresh_process(package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, package], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout)
    assert set(names) == set(importlib.import_module(package).__all__)
    wrong = {
        name: found
        for name, found in names.items()
        if found != {"fresh": 0, "same": True, "attribute": True}
    }
    assert not wrong, done.stderr


@pytest.mark.parametrize("package", LAZY)
def test_importing_a_package_imports_none_of_its_modules(package: str) -> None:
    """Whoever needs one module of a package does not wait for the others."""
    allowed = {"headrace.hosted": {"headrace.hosted.errors", "headrace.hosted.services"}}
    program = (
        f"import json, sys, {package}\n"
        f"print(json.dumps([name for name in sys.modules if name.startswith('{package}.')]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(json.loads(done.stdout)) <= allowed.get(package, set())


@pytest.mark.parametrize("package", LAZY)
def test_no_lazy_name_is_that_of_a_module_beside_it(package: str) -> None:
    module = importlib.import_module(package)
    beside = {found.name for found in pkgutil.iter_modules(module.__path__)}
    assert beside.isdisjoint(module.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_that_a_package_offers_is_there(package: str) -> None:
    module = importlib.import_module(package)
    offered = getattr(module, "__all__", ())
    assert [name for name in offered if not hasattr(module, name)] == []
    assert len(set(offered)) == len(offered)
    assert [name for name in offered if isinstance(getattr(module, name), ModuleType)] == []
