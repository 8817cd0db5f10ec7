"""Packages whose ``__init__`` is run only once something asks for what it alone can give.

Importing ``a.b`` runs ``a/__init__.py`` first, which may import what any user of ``a`` could need.
A deferred package stands in its place: its modules can be imported as ever, each name that
``__init__.py`` imports from elsewhere is imported by itself when it is asked for, and any other
name that it defines makes it run in full.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator
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
        )
        self._imported = imported
        self._defined = defined

    def __getattr__(self, name: str) -> Any:
        """Import one name, or run the package where that is not enough."""
        if name in self._imported:
            module, original = self._imported[name]
            value = getattr(importlib.import_module(module), original)
            setattr(self, name, value)
            return value
        if name not in self._defined:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__class__ = ModuleType  # type: ignore[assignment]
        loader: Any = self.__loader__
        loader.exec_module(self)
        return getattr(self, name)


def defer_package(name: str) -> bool:
    """Put a deferred package in the place of one that is not imported yet.

    Args:
        name: full name of the package; its parent is imported, or deferred, before.

    Returns:
        Whether it is deferred; not so where it is imported already or not installed.
    """
    if name in sys.modules:
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
