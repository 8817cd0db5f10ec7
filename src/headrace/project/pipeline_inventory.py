"""The pipelines of a project as JSON shows them, with what is missing for them to run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from headrace.project.extras import is_installed
from headrace.project.pipelines import Pipeline, find_pipeline, find_pipelines
from headrace.project.project import Project


def pipeline_inventory(project: Project, target: str) -> list[dict[str, Any]]:
    """Return the pipelines of a project, as :func:`pipeline_document` does each."""
    return [_document(project, target, one) for one in find_pipelines(project.root).values()]


def pipeline_document(project: Project, target: str, name: str) -> dict[str, Any]:
    """Return a pipeline's parts by name.

    Returns:
        ``name``, ``title``, ``flow``, ``functions``, ``job_scripts``, ``triggers``,
        ``campaigns``, ``needs`` (the extras) and ``missing``: files that are named and not there,
        collections and endpoints that ``headrace.toml`` does not have, and, at ``local``, extras
        that are not installed.

    Raises:
        ProjectError: there is no pipeline of this name.
    """
    return _document(project, target, find_pipeline(project.root, name))


def _document(project: Project, target: str, pipeline: Pipeline) -> dict[str, Any]:
    missing = list(pipeline.missing)
    for kind, names, known in (
        ("collections", pipeline.collections, project.collections),
        ("endpoints", pipeline.endpoints, project.endpoints),
    ):
        missing += [f"[{kind}.{name}] in headrace.toml" for name in names if name not in known]
    if target == "local":
        missing += [f"headrace[{extra}]" for extra in pipeline.needs if not is_installed(extra)]
    parts = ("functions", "job_scripts", "triggers", "campaigns")
    members = ("name", "title", "flow", *parts, "needs")
    document = asdict(pipeline)
    return {
        key: list(value) if isinstance(value := document[key], tuple) else value for key in members
    } | {"missing": missing}
