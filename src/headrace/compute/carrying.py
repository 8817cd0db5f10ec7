"""What a function takes along: packages of ours that import the standard library alone.

A function travels as text and arrives alone. Where it imports one of these packages inside its
body, the text that is registered brings the package's sources, under a name that says which
version they are; a machine that has another version of headrace, or none, is not asked for its own.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.util
import json
import zlib
from pathlib import Path
from typing import Final

from .errors import ComputeError

# Packages that may be taken along.
CARRIED: Final = ("headrace.compute.batch", "headrace.compute.stages")

_LOADER: Final = """
import importlib.abc, importlib.util, sys
if not any(getattr(finder, "carries", None) == {name!r} for finder in sys.meta_path):
    class Carried(importlib.abc.MetaPathFinder, importlib.abc.Loader):
        carries = {name!r}
        sources = {sources!r}
        def find_spec(self, fullname, path=None, target=None):
            if fullname in self.sources:
                package = fullname == self.carries
                return importlib.util.spec_from_loader(fullname, self, is_package=package)
        def exec_module(self, module):
            code = compile(self.sources[module.__name__], "<" + module.__name__ + ">", "exec")
            exec(code, module.__dict__)
    sys.meta_path.append(Carried())
"""


def carrying(text: str, path: Path) -> str:
    """Returns a function's text with the packages that it imports from ours.

    Args:
        text: the function's source.
        path: its file, for messages.

    Returns:
        The text as it was, where it imports none.

    Raises:
        ComputeError: it imports one in a way that cannot be taken along, or another of ours.
    """
    tree = ast.parse(text)
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)  # noqa: S101 - what is given
    lines = text.splitlines(keepends=True)
    wanted: dict[str, str] = {}
    for node in ast.walk(definition):
        for package in _packages_of(node, path):
            wanted[package] = _carried_name(package)
            for number in range(node.lineno - 1, (node.end_lineno or node.lineno)):  # type: ignore[attr-defined]
                lines[number] = lines[number].replace(package, wanted[package])
    if not wanted:
        return text
    first = _first_statement(definition, path)
    indent = " " * first.col_offset
    loaders = [f"{indent}{_loading(package, name)}\n" for package, name in wanted.items()]
    at = first.lineno - 1
    return "".join([*lines[:at], *loaders, *lines[at:]])


def _packages_of(node: ast.AST, path: Path) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    elif isinstance(node, ast.Import):
        names = [alias.name for alias in node.names if alias.asname is None]
        for name in names:
            if name in CARRIED:
                raise ComputeError(f"{path}:{node.lineno}: write `from {name} import ...`")
        names = [alias.name for alias in node.names]
    else:
        return []
    for name in names:
        ours = name == "headrace" or name.startswith("headrace.")
        if ours and name not in CARRIED:
            raise ComputeError(
                f"{path}:{node.lineno}: {name} is not on the machine where the function runs; "
                f"it can bring {', '.join(CARRIED)}"
            )
    return [name for name in names if name in CARRIED]


def _first_statement(definition: ast.FunctionDef, path: Path) -> ast.stmt:
    body = definition.body
    first = body[1] if len(body) > 1 and ast.get_docstring(definition) is not None else body[0]
    before = body[0] if first is not body[0] else definition
    if first.lineno in (definition.lineno, before.end_lineno):
        raise ComputeError(f"{path}: write the function's body on lines of its own")
    return first


def _sources(package: str) -> dict[str, str]:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ComputeError(f"{package} is not installed here")
    folder = Path(spec.origin).parent
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py"))}


def _carried_name(package: str) -> str:
    digest = hashlib.sha256(json.dumps(_sources(package), sort_keys=True).encode()).hexdigest()
    return f"headrace_carried_{digest[:12]}"


def _loading(package: str, name: str) -> str:
    sources = {
        name if stem == "__init__" else f"{name}.{stem}": text
        for stem, text in _sources(package).items()
    }
    packed = zlib.compress(_LOADER.format(name=name, sources=sources).encode(), 9)
    text = base64.b64encode(packed).decode()
    return f'exec(__import__("zlib").decompress(__import__("base64").b64decode("{text}")), {{}})'
