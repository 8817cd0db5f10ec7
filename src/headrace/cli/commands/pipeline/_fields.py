"""Columns of the table of ``headrace pipeline list``, and lines of ``headrace pipeline show``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headrace.cli.termio.tables import Field


def _count(key: str) -> Callable[[Mapping[str, Any]], str]:
    """Return what text shows of a list of names that may be long: how many there are."""
    return lambda pipeline: str(len(pipeline[key]) or "")


PIPELINE_FIELDS = (
    Field("pipeline", key="name"),
    Field("flow", key="flow"),
    Field("functions", _count("functions"), key="functions"),
    Field("job scripts", _count("job_scripts"), key="job_scripts"),
    Field("trigger", lambda pipeline: pipeline["triggers"], key="triggers"),
    Field("needs", lambda pipeline: pipeline["needs"], key="needs"),
    Field("missing", lambda pipeline: pipeline["missing"], optional=True, key="missing"),
    Field("campaign", lambda pipeline: pipeline["campaigns"], optional=True, key="campaigns"),
)

PIPELINE_DETAIL_FIELDS = (
    Field("Pipeline", key="name"),
    Field("Title", key="title"),
    Field("Flow", key="flow"),
    Field("Functions", key="functions"),
    Field("Job scripts", key="job_scripts"),
    Field("Triggers", key="triggers"),
    Field("Campaigns", key="campaigns"),
    Field("Needs", lambda pipeline: _extras(pipeline["needs"])),
    Field("Missing", key="missing"),
)


def _extras(names: list[str]) -> str:
    return f"headrace[{','.join(names)}]" if names else ""
