"""Bundle packages of headrace with a registered function.

A function is sent as text, without its module. Where it imports one of these packages inside its
body, the text that is registered contains the package's modules, and those of the packages beside
it that it imports, each as it stands in its file: whoever reads the function at the service reads
them, too. They are imported by a name with their hash. The headrace that is installed where the
function runs, if any, is not used. Bundled packages import the standard library only.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import json
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Final

from .bundle_importer import import_from_texts
from .errors import ComputeError

# Packages that can be bundled. What they import of headrace is in this list, too.
BUNDLED_PACKAGES: Final = (
    "headrace.compute.batch",
    "headrace.compute.scheduler",
    "headrace.compute.stages",
    "headrace.compute.attempts",
    "headrace.compute.packs",
)
_PARENT: Final = "headrace.compute"
_QUOTES: Final = "'''"
# Begins the part of a registered text that is not the function's own.
_BUNDLE_LINE: Final = "# ---- Modules of headrace that the function imports ----"


def bundle_packages(text: str, path: Path) -> str:
    """Return a function's text with the sources of the packages of headrace that it imports.

    Args:
        text: the function's source.
        path: its file, for messages.

    Returns:
        The text unchanged, where it imports none.

    Raises:
        ComputeError: it imports one in a way that cannot be bundled, or another one of headrace.
    """
    tree = ast.parse(text)
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)  # noqa: S101 - what is given
    imports = [
        (node, package)
        for node in ast.walk(definition)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for package in _bundled_imports(node, path)
    ]
    if not imports:
        return text
    bundle, bundled = _bundle(frozenset(package for _, package in imports))
    lines = text.splitlines(keepends=True)
    for node, package in imports:
        name = package.replace(_PARENT, bundle)
        for number in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[number] = _renamed(lines[number], package, name)
    return "".join([*lines, bundled])


def without_bundle(code: str) -> str:
    """Return a registered text up to the modules of headrace that are bundled with it."""
    return code.partition(f"\n{_BUNDLE_LINE}")[0]


def _renamed(line: str, package: str, name: str) -> str:
    """Return a line that imports a package by another name, and says which one it was."""
    if package not in line:
        return line
    renamed = line.rstrip().replace(package, name)
    # Nothing may follow a backslash.
    return f"{renamed}\n" if renamed.endswith("\\") else f"{renamed}  # {line.strip()}\n"


def _bundled_imports(node: ast.Import | ast.ImportFrom, path: Path) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    else:
        names = [alias.name for alias in node.names]
        for name in names:
            if name in BUNDLED_PACKAGES:
                raise ComputeError(f"{path}:{node.lineno}: write `from {name} import ...`")
    for name in names:
        ours = name == "headrace" or name.startswith("headrace.")
        if ours and name not in BUNDLED_PACKAGES:
            raise ComputeError(
                f"{path}:{node.lineno}: {name} is not on the machine where the function runs; "
                f"it can bring {', '.join(BUNDLED_PACKAGES)}"
            )
    return [name for name in names if name in BUNDLED_PACKAGES]


@cache  # as what this process has imported of them, they are read once
def _bundle(packages: frozenset[str]) -> tuple[str, str]:
    """Return the name by which packages are imported from a bundle, and the bundle's text."""
    sources = _sources(packages)
    digest = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
    name = f"headrace_bundle_{digest[:12]}"
    return name, _bundle_text(name, sources)


def _sources(packages: Collection[str]) -> dict[str, str]:
    """Return the texts of the modules of packages and of the packages that they import.

    Each by its file's path, such as ``headrace/compute/batch/run.py``.
    """
    found: dict[str, str] = {}
    done: set[str] = set()
    remaining = [package.removeprefix(f"{_PARENT}.") for package in packages]
    while remaining:
        name = remaining.pop()
        if name in done:
            continue
        done.add(name)
        spec = importlib.util.find_spec(f"{_PARENT}.{name}")
        if spec is None or spec.origin is None:
            raise ComputeError(f"{_PARENT}.{name} is not installed here")
        folder = Path(spec.origin).parent
        for file in sorted(folder.rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            if _QUOTES in text or not text.endswith("\n"):
                raise ComputeError(f"{file}: cannot stand between {_QUOTES} in a registered text")
            path = file.relative_to(folder)
            found[f"{_PARENT}.{name}".replace(".", "/") + f"/{path.as_posix()}"] = text
            remaining += _siblings(text, len(path.parts) + 1)
    return dict(sorted(found.items()))


@cache  # packages of one bundle, and of several, have modules in common
def _siblings(text: str, level: int) -> tuple[str, ...]:
    """Return the packages beside its own that a module imports.

    Args:
        text: the module's text.
        level: number of dots that lead out of its package.
    """
    # Two of three import none, and parsing them all is most of the time that a list of functions
    # takes. The modules are ours, and so formatted.
    if f"from {'.' * level}" not in text:
        return ()
    return tuple(
        (node.module or "").partition(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.level == level
    )


def _bundle_text(bundle: str, sources: dict[str, str]) -> str:
    """Return the lines that make modules importable below the name of their bundle."""
    modules = "".join(
        f'"{path}": r{_QUOTES}\n{text}{_QUOTES},\n\n' for path, text in sources.items()
    )
    return (
        f"\n\n{_BUNDLE_LINE}\n\n\n{inspect.getsource(import_from_texts)}\n\n"
        f'import_from_texts("{bundle}", {{\n{modules}}})\n'
    )
