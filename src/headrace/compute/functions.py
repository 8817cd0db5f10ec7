"""Functions that are registered: found, checked and turned into the text that travels.

A function crosses machines as source text, so that the Python versions of both sides need not
agree. It arrives alone: without its module's imports, constants and helpers. `bundle_packages` adds
the packages of ours that it imports.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import inspect
import io
import symtable
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from headrace import __version__

from .bundling import bundle_packages
from .errors import ComputeError
from .wire_text import source_code

_HEADER_LINES = 4
# Of a submission's 10 MB the function may take its part.
MAX_CODE = 5_000_000
_KNOWN_NAMES = frozenset(dir(builtins)) | {"__builtins__"}


@dataclass(frozen=True)
class Function:
    """A function that can be registered.

    Attributes:
        name: its name, which is its module's too.
        text: its source text and, where it imports some, the modules of ours below it; blank lines
            before it, so that under the header it stands on the lines that it has in its file.
        sha256: hexadecimal digest of ``text`` in UTF-8.
        doc: its docstring, indentation removed.
        path: the file it stands in.
    """

    name: str
    text: str
    sha256: str
    doc: str
    path: Path

    @property
    def code(self) -> str:
        """The wire text without a header: ``st``, a newline, ``<name>:<source>``."""
        return source_code(self.name, self.text.lstrip("\n"))

    def registered_code(self, project: str) -> str:
        """Return the wire text with a header that says to its readers what it is.

        Args:
            project: name of the project that registers it.
        """
        header = [
            f"# Compute function {self.name} of the project {' '.join(project.split())}",
            f"# registered by headrace {__version__}",
            f"# from {self.path.parent.name}/{self.path.name}",
            f"# sha256 of the text below this line: {self.sha256}",
        ]
        return source_code(self.name, "\n".join([*header, self.text]))


def function_names(directory: Path) -> list[str]:
    """Return the names of the functions of a project, whatever their modules hold.

    Args:
        directory: holds one module per function, the function named as the module. Files whose
            name begins with ``_`` or ``.`` are left out.
    """
    return sorted(p.stem for p in directory.glob("*.py") if not p.name.startswith(("_", ".")))


def find_functions(directory: Path, names: Iterable[str] | None = None) -> dict[str, Function]:
    """Find the functions of a project.

    Args:
        directory: as for `function_names`.
        names: which of them; all by default. What is wrong with others does not matter.

    Returns:
        The functions by name, in the order of their names.

    Raises:
        ComputeError: the directory or a function cannot be used; names the file and the line.
    """
    if not directory.is_dir():
        raise ComputeError(f"{directory}: no such directory; functions are looked for there")
    known = function_names(directory)
    selected = set(known if names is None else names)
    return {name: read_function(directory / f"{name}.py") for name in known if name in selected}


def scan_functions(directory: Path) -> tuple[dict[str, Function], dict[str, str]]:
    """Find all functions of a project that can be used.

    Args:
        directory: as for `function_names`.

    Returns:
        The functions, and for each that cannot be used what is wrong with it; both by name.
    """
    functions, faults = {}, {}
    for name in function_names(directory):
        try:
            functions[name] = read_function(directory / f"{name}.py")
        except ComputeError as error:
            faults[name] = str(error)
    return functions, faults


def read_function(path: Path) -> Function:
    """Read and check the function that a module is named after.

    Args:
        path: the module's file. It is parsed, never imported.

    Returns:
        The function.

    Raises:
        ComputeError: no such function, not self-contained, without annotations or docstring.
    """
    try:
        with tokenize.open(path) as file:
            source = file.read()
        tree = ast.parse(source, filename=str(path))
    except (OSError, SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise ComputeError(f"{path}{line}: cannot be read as Python: {reason}") from error
    name = path.stem
    node = _definition(tree, name, path)
    _check_interface(node, path)
    text = _source_text(source, node)
    _check_self_contained(text, node, tree, path)
    above = "\n" * max(0, node.lineno - 1 - _HEADER_LINES)
    text = above + bundle_packages(text, path)
    if len(text) > MAX_CODE:
        raise ComputeError(f"{path}: {len(text)} characters travel, at most {MAX_CODE} may")
    return Function(
        name=name,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        doc=ast.get_docstring(node) or "",
        path=path,
    )


def _definition(tree: ast.Module, name: str, path: Path) -> ast.FunctionDef:
    found = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    if not found:
        raise ComputeError(f"{path}: defines no function {name}; name the function as its module")
    node = found[-1]
    if isinstance(node, ast.AsyncFunctionDef):
        raise ComputeError(f"{path}:{node.lineno}: {name} is async; endpoints call plain functions")
    if node.decorator_list:
        raise ComputeError(
            f"{path}:{node.lineno}: {name} is decorated, and the decorator does not travel with it;"
            " remove it"
        )
    return node


def _check_interface(node: ast.FunctionDef, path: Path) -> None:
    where = f"{path}:{node.lineno}: {node.name}"
    if not ast.get_docstring(node):
        raise ComputeError(f"{where} has no docstring; say what it does, takes and returns")
    arguments = node.args
    everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    everything += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    bare = [a.arg for a in everything if a.annotation is None]
    if bare:
        raise ComputeError(f"{where}: no annotation on {', '.join(bare)}; give each its type")
    if node.returns is None:
        raise ComputeError(f"{where}: no return annotation; add -> and the type it returns")


def _source_text(source: str, node: ast.FunctionDef) -> str:
    lines = io.StringIO(source).readlines()
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    # The same cut that inspect.getsource makes, so that the text equals the SDK's to the byte.
    return "".join(inspect.getblock(lines[node.lineno - 1 :]))


def _check_self_contained(text: str, node: ast.FunctionDef, tree: ast.Module, path: Path) -> None:
    missing = sorted(_names_from_outside(text, node.name))
    if not missing:
        return
    origins = _module_names(tree)
    imported = [n for n in missing if origins.get(n) == "import"]
    defined = [n for n in missing if origins.get(n) == "definition"]
    unknown = [n for n in missing if n not in origins]
    parts = []
    if imported:
        parts.append(f"{', '.join(imported)} imported at module level: import inside the function")
    if defined:
        parts.append(f"{', '.join(defined)} defined at module level: move inside or pass it in")
    if unknown:
        parts.append(f"{', '.join(unknown)} defined nowhere")
    raise ComputeError(
        f"{path}:{node.lineno}: {node.name} travels without its module but uses {'; '.join(parts)}"
    )


def _names_from_outside(text: str, own_name: str) -> set[str]:
    top = symtable.symtable(text, "<function>", "exec")
    # Defaults and annotations are evaluated where the function is defined.
    names = {s.get_name() for s in top.get_symbols() if s.is_referenced() and not s.is_assigned()}
    for table in _nested(top):
        names |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    return names - _KNOWN_NAMES - {own_name}


def _nested(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _nested(child)


def _module_names(tree: ast.Module) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                names[(alias.asname or alias.name).split(".")[0]] = "import"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names[node.name] = "definition"
        else:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    names[inner.id] = "definition"
    return names
