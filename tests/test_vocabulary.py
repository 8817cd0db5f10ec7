"""Names are words that somebody would search for who never saw this project."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.repository import REPOSITORY

# Metaphors, and words for which the field has another one, which stands beside them.
REFUSED = {
    "agenda": "queue",
    "anyway": "force",
    "began": "started_at",
    "begun": "started",
    "carried": "bundled",
    "endings": "outcomes",
    "errand": "request",
    "foot": "previous iterate",
    "hasten": "reschedule",
    "lack": "missing",
    "least": "minimum",
    "patience": "timeout",
    "pump": "worker",
    "readings": "uses",
    "settler": "quiescence",
    "sighting": "status",
    "story": "message",
    "teller": "notifier",
    "telling": "notification",
    "told": "message",
    "traveller": "stepper",
    "whole": "complete",
}

OPENINGS = ("What", "How", "Which", "Where", "When", "Whether", "Whose", "Why")
"""Words that a docstring does not open with: it would not say what the thing is."""


def modules() -> list[Path]:
    folders = ("src/headrace", "compute_functions", "job_scripts")
    return [path for folder in folders for path in sorted((REPOSITORY / folder).rglob("*.py"))]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def words(name: str) -> set[str]:
    """Split a name into its words: ``run_isWhole`` has three."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every name that a module defines, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr, node.lineno


def test_names_use_standard_terms() -> None:
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{line}: {name}: not {word}, but such as {REFUSED[word]}"
        for path in modules()
        for name, line in [(path.stem, 1), *names(parsed(path))]
        for word in words(name) & set(REFUSED)
    ]
    assert not wrong, "\n".join(wrong)


def test_docstrings_say_what_a_thing_is() -> None:
    wrong = []
    for path in modules():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                first = re.match(r"\w*", text)
                assert first is not None
                if first[0] in OPENINGS:
                    line = getattr(node, "lineno", 1)
                    wrong.append(f"{path.relative_to(REPOSITORY)}:{line}: {text[:60]}")
    assert not wrong, "\n".join(wrong)
