"""Packages whose ``__init__`` is run only once something asks for what it alone can give.

Importing ``a.b`` runs ``a/__init__.py`` first, which may import what any user of ``a`` could need.
A deferred package stands in its place: its modules can be imported as ever, each name that
``__init__.py`` imports from elsewhere is imported by itself when it is asked for, and any other
name that it defines makes it run in full.

`withdraw_deferred_packages` takes those that have not run out of the imported modules, for code
that may do anything with a package: whoever imports one then gets it in full, and those who hold it
hold the same module.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any


class DeferredPackage(ModuleType):
    """A package that is not run yet.

    Args:
        spec: of the package.
        imported: for each name that it imports, the module and the name there.
        defined: the other names that it defines.
    """

    def __init__(
        self, spec: ModuleSpec, imported: dict[str, tuple[str, str]], defined: set[str]
    ) -> None:
        super().__init__(spec.name)
        self.__dict__.update(
            __spec__=spec,
            __loader__=spec.loader,
            __file__=spec.origin,
            __path__=list(spec.submodule_search_locations or ()),
            __package__=spec.name,
            _imported=imported,
            _defined=defined,
            _lock=threading.RLock(),
            _running=False,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; a module below does not hide a name that the package gives itself."""
        module = f"{self.__name__}.{name}"
        if isinstance(value, ModuleType) and value is sys.modules.get(module):
            source = self._imported.get(name)
            if name in self._defined if source is None else ".".join(source) != module:
                return
        ModuleType.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """Import one name, or run the package where that is not enough."""
        if name in self._imported:
            value = vars(self)[name] = _imported_value(self.__name__, *self._imported[name])
            return value
        if name in self._defined:
            run_package(self)
            if type(self) is not DeferredPackage:
                return getattr(self, name)
        elif not name.startswith("__") and importlib.util.find_spec(f"{self.__name__}.{name}"):
            return importlib.import_module(f"{self.__name__}.{name}")
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def _imported_value(package: str, module: str, name: str) -> Any:
    if module == package:
        return importlib.import_module(f"{module}.{name}")
    source = importlib.import_module(module)
    if hasattr(source, "__path__") and not hasattr(source, name):
        return importlib.import_module(f"{module}.{name}")
    return getattr(source, name)


def run_package(package: ModuleType) -> None:
    """Run a deferred package in full, in its place; nothing happens where it ran, or is running.

    Another thread waits until it has run. Where it raises, it is as before, to be run again.
    """
    if package.__name__ in sys.modules:
        _run(package)
    else:
        importlib.import_module(package.__name__)  # it was withdrawn


def _run(package: ModuleType) -> None:
    with package._lock:
        if package._running or type(package) is not DeferredPackage:
            return
        loader: Any = package.__loader__
        vars(package)["_running"] = True
        try:
            loader.exec_module(package)
        finally:
            vars(package)["_running"] = False
        package.__class__ = ModuleType  # type: ignore[assignment]


class _WithdrawnPackages(Loader, MetaPathFinder):
    """Finds packages that were withdrawn, and runs each in the module that there was."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[ModuleType, ModuleSpec]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def withdraw(self, package: ModuleType, spec: ModuleSpec) -> None:
        self._found[package.__name__] = (package, spec)
        del sys.modules[package.__name__]

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if name not in self._found:
            return None
        _, real = self._found[name]
        spec = ModuleSpec(name, self, origin=real.origin, is_package=True)
        spec.submodule_search_locations = real.submodule_search_locations
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._found[spec.name][0]

    def exec_module(self, module: ModuleType) -> None:
        _run(module)
        _, module.__spec__ = self._found.pop(module.__name__)


_WITHDRAWN = _WithdrawnPackages()


def withdraw_deferred_packages() -> None:
    """Leave no package among the imported modules that is deferred still."""
    if _WITHDRAWN not in sys.meta_path:
        sys.meta_path.insert(0, _WITHDRAWN)
    for module in list(sys.modules.values()):
        if type(module) is DeferredPackage and module.__spec__ is not None:
            _WITHDRAWN.withdraw(module, module.__spec__)


def defer_package(name: str) -> bool:
    """Put a deferred package in the place of one that is not imported yet.

    Args:
        name: full name of the package; its parent is imported, or deferred, before.

    Returns:
        Whether it is deferred; not so where it is imported already, was withdrawn, or is not
        installed.
    """
    if name in sys.modules or name in _WITHDRAWN:
        return False
    parent, _, last = name.rpartition(".")
    spec = importlib.util.find_spec(name) if not parent or parent in sys.modules else None
    if spec is None or spec.origin is None or not spec.submodule_search_locations:
        return False
    imported: dict[str, tuple[str, str]] = {}
    defined: set[str] = set()
    for statement in ast.parse(Path(spec.origin).read_bytes()).body:
        if isinstance(statement, ast.ImportFrom):
            source = importlib.util.resolve_name(
                "." * statement.level + (statement.module or ""), name
            )
            for alias in statement.names:
                imported[alias.asname or alias.name] = (source, alias.name)
        else:
            defined.update(_defined_names(statement))
    package = DeferredPackage(spec, imported, defined - imported.keys())
    sys.modules[name] = package
    if parent:
        setattr(sys.modules[parent], last, package)
    return True


def _defined_names(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
