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

# Asks for each name in turn, then imports every module of the package, and asks again. Importing a
# submodule binds it in the package: it must not take the place of a function of the same name.
PROGRAM = """
import importlib, json, pkgutil, sys, types
package, name = sys.argv[1:]
scope = {}
exec(f"from {package} import {name} as first", scope)
module = importlib.import_module(package)
for found in pkgutil.iter_modules(module.__path__):
    if not found.name.startswith("__"):
        try:
            importlib.import_module(f"{package}.{found.name}")
        except ImportError:
            pass  # an optional part that is not installed here
exec(f"from {package} import {name} as second", scope)
first, second = scope["first"], scope["second"]
print(json.dumps({
    "module": isinstance(first, types.ModuleType),
    "same": first is second,
    "attribute": getattr(module, name) is first,
}))
"""


def packages() -> list[str]:
    walked = pkgutil.walk_packages(headrace.__path__, "headrace.")
    return ["headrace", *(found.name for found in walked if found.ispkg)]


def is_lazy(package: str) -> bool:
    return hasattr(importlib.import_module(package), "__getattr__")


PACKAGES = packages()
LAZY = [
    (package, name)
    for package in PACKAGES
    if is_lazy(package)
    for name in importlib.import_module(package).__all__
]


def test_there_are_lazy_names_to_look_at() -> None:
    assert ("headrace.hosted", "login") in LAZY


@pytest.mark.parametrize(("package", "name"), LAZY)
def test_a_lazy_name_is_what_it_says_in_a_fresh_process(package: str, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, package, name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"module": False, "same": True, "attribute": True}


@pytest.mark.parametrize("package", [package for package, _ in dict.fromkeys(LAZY)])
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
