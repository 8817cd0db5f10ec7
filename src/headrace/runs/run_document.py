"""A run as one JSON document: its record, summary, results and failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.runs import RunView


def run_document(view: RunView, project: Project, target: str) -> dict[str, Any]:
    """Return a run as JSON shows it: its record, summary, results and failure."""
    from headrace.runs import failure_summary, results_of, summary_of

    results = results_of(view, project, target)
    shown = results and {
        "collection": results.collection,
        "path": results.path,
        "directory": str(results.directory) if results.directory else None,
    }
    return {
        **view.run,
        "summary": summary_of(view),
        "results": shown,
        "failure": failure_summary(view),
    }


def run_input(entries: Sequence[Mapping[str, Any]]) -> Any:
    """Return the input that a run was started with; None where its log does not show it.

    Args:
        entries: its log, oldest first.
    """
    return (entries[0].get("details") or {}).get("input") if entries else None
