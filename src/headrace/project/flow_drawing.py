"""Drawings of flows, in the format that a file's name says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from headrace._internal.files import write_whole
from headrace.config.errors import ProjectError
from headrace.flowlang import DefinitionError, parse_flow
from headrace.flowlang.drawing import graph_of, run_path_of, to_dot, to_html, to_mermaid, to_svg

FORMATS: Final = ("svg", "html", "mmd", "dot")


def draw_flow(
    definition: Mapping[str, Any],
    format_: str,
    title: str,
    log: Iterable[Mapping[str, Any]] | None = None,
) -> str:
    """Return a drawing of a flow.

    Args:
        definition: the flow's definition.
        format_: one of :data:`FORMATS`.
        title: what it is called.
        log: log of a run whose path is coloured, the oldest entry first.

    Raises:
        ProjectError: the definition cannot be used.
    """
    try:
        parse_flow(definition)
    except DefinitionError as error:
        raise ProjectError(f"{title}: {error}; see `headrace flow check`") from error
    graph = graph_of(definition)
    path = None if log is None else run_path_of(log)
    if format_ == "html":
        return to_html(graph, title, path)
    writers = {"svg": to_svg, "mmd": to_mermaid, "dot": to_dot}
    return writers[format_](graph, path)


def write_drawing(
    path: Path,
    definition: Mapping[str, Any],
    title: str,
    log: Iterable[Mapping[str, Any]] | None = None,
) -> None:
    """Write a drawing to a file whose name says the format.

    Raises:
        ProjectError: the name says none, or the file cannot be written.
    """
    format_ = path.suffix.removeprefix(".").lower()
    if format_ not in FORMATS:
        names = ", ".join(f".{known}" for known in FORMATS)
        raise ProjectError(f"{path}: give the file's name one of the endings {names}")
    text = draw_flow(definition, format_, title, log)
    try:
        write_whole(path, text)
    except OSError as error:
        raise ProjectError(f"{path}: {error.strerror}") from error
