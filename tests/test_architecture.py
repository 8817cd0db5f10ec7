"""The order of imports: packages import what is below them, and nothing in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from headrace import compute
from tests.support.repository import SOURCE

LAYERS = (
    {"cli", "demos", "python_api"},
    {"pipelines"},
    {"web"},
    {"project_status", "pipeline_status"},
    {"campaigns"},
    {"triggers", "diagnostics", "phone_answers"},
    {"runs", "deploy", "endpoints", "background_services"},
    {"project", "config"},
    {"notifications", "ledger_file"},
    {"facility", "hosted", "testing"},
    {"compute", "action_providers"},
    {"flowlang"},
    {"seismic", "datarun", "md", "ert"},
    {"ranks"},
    {"errors"},
    {"_internal"},
)
"""From the top down; a package may import its own layer and those below."""

SCIENCE = {"seismic", "datarun", "md", "ert"}
BELOW_SCIENCE = {"_internal", "errors", "ranks"}

MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports_of(module: str, everywhere: bool) -> tuple[str, ...]:
    """Return the modules of ours that a module imports, by their whole names."""
    return tuple(find_imports(module, everywhere))


def find_imports(module: str, everywhere: bool) -> Iterator[str]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = parsed(path)
    nodes = ast.walk(tree) if everywhere else iter(at_import(tree.body))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                origin = ".".join([*above, *origin.split(".")]).rstrip(".")
            for name in node.names:
                whole = f"{origin}.{name.name}"
                if (found := whole if whole in MODULES else origin) in MODULES:
                    yield found


def at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.dump(node.test):
            yield from at_import([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from at_import([*node.body, *node.orelse, *node.finalbody])
        else:
            yield node


def package_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def level_of(package: str) -> int:
    (level,) = (number for number, layer in enumerate(LAYERS) if package in layer)
    return level


def test_every_package_has_a_layer() -> None:
    packages = {package_of(module) for module in MODULES} - {""}
    assert packages == set().union(*LAYERS)


def test_imports_go_down_only() -> None:
    wrong = []
    for module in filter(package_of, MODULES):
        mine = package_of(module)
        for imported in imports_of(module, everywhere=True):
            other = package_of(imported)
            up = bool(other) and level_of(other) < level_of(mine)
            outside = mine in SCIENCE and bool(other) and other not in {mine} | BELOW_SCIENCE
            if up or outside:
                wrong.append(f"{module} imports {imported}")
    assert not wrong, "\n".join(wrong)


def test_pages_import_no_pipeline() -> None:
    """Pipelines bring theirs by entry points, as any other package."""
    wrong = [
        f"{module} imports {imported}"
        for module in MODULES
        for imported in imports_of(module, everywhere=True)
        if package_of(module) == "web" and package_of(imported) in SCIENCE
    ]
    assert not wrong, "\n".join(wrong)


def test_other_packages_import_what_compute_makes_public() -> None:
    folders = {"attempts", "batch", "managed_endpoints", "scheduler", "stages"}
    for module in MODULES:
        for imported in imports_of(module, everywhere=True):
            if package_of(imported) == "compute" != package_of(module):
                (name, *_) = [*imported.split(".")[2:], ""]
                public = {"", *compute.PUBLIC_MODULES, *folders}
                assert name in public, f"{module} imports {imported}"


def test_nothing_is_imported_in_a_circle() -> None:
    edges: dict[str, set[str]] = {}
    for module in MODULES:
        wanted = set()
        for imported in imports_of(module, everywhere=False):
            # Importing a module imports the packages it is in.
            parts = imported.split(".")
            wanted |= {".".join(parts[:count]) for count in range(2, len(parts) + 1)}
        edges[module] = {
            one for one in wanted if one != module and not module.startswith(f"{one}.")
        }
    refuse_circles(edges)


def test_no_module_needs_one_that_needs_it() -> None:
    """Imports within functions, and of types alone, count as much as others."""
    wanted = {module: set(imports_of(module, everywhere=True)) for module in MODULES}
    refuse_circles({module: wanted[module] - {module} for module in MODULES})


def refuse_circles(edges: dict[str, set[str]]) -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        for imported in sorted(edges[module]):
            visit(imported, (*path, module))
        done.add(module)

    for module in MODULES:
        visit(module, ())
