"""A run as one JSON document: its record, summary, results and failure."""

from __future__ import annotations

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
