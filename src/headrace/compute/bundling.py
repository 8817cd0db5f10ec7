"""Bundle packages of headrace with a registered function.

A function is sent as text, without its module. Where it imports one of these packages inside its
body, the text that is registered contains the package's sources, and those of the packages beside
it that it imports, under a name with their hash. The headrace that is installed where the function
runs, if any, is not used. Bundled packages import the standard library only.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.util
import io
import json
import tokenize
import zlib
from pathlib import Path
from typing import Final

from .errors import ComputeError

# Packages that can be bundled. What they import of headrace is in this list, too.
BUNDLED_PACKAGES: Final = (
    "headrace.compute.batch",
    "headrace.compute.scheduler",
    "headrace.compute.stages",
)
_PARENT: Final = "headrace.compute"

_LOADER: Final = """
import importlib.abc, importlib.util, sys
if not any(getattr(finder, "bundle", None) == {name!r} for finder in sys.meta_path):
    class BundleImporter(importlib.abc.MetaPathFinder, importlib.abc.Loader):
        bundle = {name!r}
        sources = {sources!r}
        def find_spec(self, fullname, path=None, target=None):
            if fullname in self.sources:
                package = self.sources[fullname][0]
                return importlib.util.spec_from_loader(fullname, self, is_package=package)
        def exec_module(self, module):
            text = self.sources[module.__name__][1]
            exec(compile(text, "<" + module.__name__ + ">", "exec"), module.__dict__)
    sys.meta_path.append(BundleImporter())
"""


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
    lines = text.splitlines(keepends=True)
    bundled: dict[str, str] = {}
    for node in ast.walk(definition):
        for package in _bundled_imports(node, path):
            bundled[package] = f"{_bundle_name(package)}.{_relative_name(package)}"
            for number in range(node.lineno - 1, (node.end_lineno or node.lineno)):  # type: ignore[attr-defined]
                lines[number] = lines[number].replace(package, bundled[package])
    if not bundled:
        return text
    first = _first_statement(definition, path)
    indent = " " * first.col_offset
    loaders = [f"{indent}{_loader_line(package)}\n" for package in bundled]
    at = first.lineno - 1
    return "".join([*lines[:at], *loaders, *lines[at:]])


def _bundled_imports(node: ast.AST, path: Path) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    elif isinstance(node, ast.Import):
        names = [alias.name for alias in node.names if alias.asname is None]
        for name in names:
            if name in BUNDLED_PACKAGES:
                raise ComputeError(f"{path}:{node.lineno}: write `from {name} import ...`")
        names = [alias.name for alias in node.names]
    else:
        return []
    for name in names:
        ours = name == "headrace" or name.startswith("headrace.")
        if ours and name not in BUNDLED_PACKAGES:
            raise ComputeError(
                f"{path}:{node.lineno}: {name} is not on the machine where the function runs; "
                f"it can bring {', '.join(BUNDLED_PACKAGES)}"
            )
    return [name for name in names if name in BUNDLED_PACKAGES]


def _first_statement(definition: ast.FunctionDef, path: Path) -> ast.stmt:
    body = definition.body
    first = body[1] if len(body) > 1 and ast.get_docstring(definition) is not None else body[0]
    before = body[0] if first is not body[0] else definition
    if first.lineno in (definition.lineno, before.end_lineno):
        raise ComputeError(f"{path}: write the function's body on lines of its own")
    return first


def _relative_name(package: str) -> str:
    return package.removeprefix(f"{_PARENT}.")


def _sources(package: str) -> dict[str, tuple[bool, str]]:
    """Return the modules of a package and of those that it imports, below a root of their own.

    Each by its name there, such as ``batch.run``, with whether it is a package, and its text.
    """
    found: dict[str, tuple[bool, str]] = {"": (True, "")}
    left = [_relative_name(package)]
    while left:
        name = left.pop()
        if name in found:
            continue
        spec = importlib.util.find_spec(f"{_PARENT}.{name}")
        if spec is None or spec.origin is None:
            raise ComputeError(f"{_PARENT}.{name} is not installed here")
        for file in sorted(Path(spec.origin).parent.glob("*.py")):
            text = file.read_text(encoding="utf-8")
            package_itself = file.stem == "__init__"
            module = name if package_itself else f"{name}.{file.stem}"
            found[module] = (package_itself, _without_comments(text))
            left += _siblings(text)
    return dict(sorted(found.items()))


def _siblings(text: str) -> list[str]:
    """Return the packages beside its own that a module imports."""
    return [
        (node.module or "").partition(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.level == 2
    ]


def _without_comments(text: str) -> str:
    """Return a module's text without what only its readers need; lines keep their numbers."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is None or len(node.body) < 2:
            continue
        string = node.body[0]
        for number in range(string.lineno - 1, string.end_lineno or string.lineno):
            lines[number] = "\n"
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#"):
            lines[token.start[0] - 1] = "\n"
    return "".join(lines)


def _bundle_name(package: str) -> str:
    digest = hashlib.sha256(json.dumps(_sources(package), sort_keys=True).encode()).hexdigest()
    return f"headrace_bundle_{digest[:12]}"


def _loader_line(package: str) -> str:
    name = _bundle_name(package)
    sources = {
        f"{name}.{module}".rstrip("."): source for module, source in _sources(package).items()
    }
    packed = zlib.compress(_LOADER.format(name=name, sources=sources).encode(), 9)
    text = base64.b85encode(packed).decode()
    return f'exec(__import__("zlib").decompress(__import__("base64").b85decode("{text}")), {{}})'
