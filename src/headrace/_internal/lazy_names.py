"""Public names of a package that are imported when somebody first asks for them."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any


def lazy_names(package: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package that imports a module when its name is asked for.

    The names are those that the package's ``__init__`` imports under ``if TYPE_CHECKING``. Whoever
    imports one module of a package imports its ``__init__`` too, and need not wait for all others.
    No name may be that of a module of the package: importing the module would hide it.

    Args:
        package: the package, by its whole name.
    """

    def get(name: str) -> Any:
        # Python asks for `__path__` and its like while it imports: they are never ours.
        origin = None if name.startswith("__") else _origins(package).get(name)
        if origin is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, original = origin
        return getattr(import_module(module, package), original)

    return get


@cache
def _origins(package: str) -> dict[str, tuple[str, str]]:
    """Return modules, and names there, of the names that a package imports for type checkers."""
    tree = ast.parse(inspect.getsource(sys.modules[package]))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    return dict(_imported(node for block in blocks for node in block.body))


def _imported(nodes: Iterator[ast.stmt]) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((each.asname or each.name, (module, each.name)) for each in node.names)
