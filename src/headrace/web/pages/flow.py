"""One flow: its drawing, what the checker finds, how its runs ended, how long states take."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from headrace._internal.file_signature import file_signature
from headrace.config.errors import ProjectError
from headrace.flowlang import DefinitionError, parse_flow
from headrace.flowlang.drawing import graph_of, to_svg
from headrace.project import check_flows
from headrace.runs.launch import deployed_flow, is_current
from headrace.runs.poller import FINAL, StateView
from headrace.runs.query import list_runs, run_log
from headrace.web.errors import PageMissing
from headrace.web.page import Page, Part
from headrace.web.view import View
from headrace.web.views.flow_figures import EndedRunStates, ends_of, state_figures

if TYPE_CHECKING:
    from headrace.project import FlowFinding

_RUNS: Final = 100
_SHOWN_RUNS: Final = 10
_RUNS_SECONDS: Final = 1.0
_TIMED_RUNS: Final = {"local": 20, "globus": 5}
"""Runs whose logs are read, by target: one request each, at the first time."""

_states = EndedRunStates()
_findings_lock = threading.Lock()
_findings: dict[tuple[object, ...], list[FlowFinding]] = {}


def _load(view: View) -> Mapping[str, Any]:
    name = view.path["flow"]
    if name not in view.project.flow_names():
        raise PageMissing(f"the project has no flow {name!r}: the page Flows has those that are")
    try:
        return {"title": view.project.flow(name).title}
    except ProjectError:
        return {"title": f"Flow {name}"}  # the parts tell why it cannot be read


def _load_source(view: View) -> Mapping[str, Any]:
    name = view.path["flow"]
    source = view.project.flow(name)
    return {"name": name, "source": source, "deployment": _deployment(view, name)}


def _deployment(view: View, name: str) -> Mapping[str, str]:
    try:
        flow_id = deployed_flow(view.project, view.target, name).id
        current = is_current(view.project, view.target, name)
    except ProjectError as error:
        return {"word": "not deployed", "kind": "idle", "note": str(error), "id": ""}
    if current:
        return {"word": "deployed", "kind": "good", "note": "", "id": flow_id}
    note = (
        "its files have changed since it was deployed: see `headrace deploy --dry-run"
        f"{view.at_option}`"
    )
    return {"word": "changed", "kind": "wait", "note": note, "id": flow_id}


def _load_drawing(view: View) -> Mapping[str, Any]:
    source = view.project.flow(view.path["flow"])
    try:
        parse_flow(source.definition)
    except DefinitionError as error:
        raise ProjectError(f"{source.definition_file}: {error}") from error
    # The drawing escapes every text, and is a part of no other page's making.
    drawing = Markup(to_svg(graph_of(source.definition), is_part=True))  # noqa: S704
    return {"drawing": drawing, "states": source.definition["States"]}


def _load_findings(view: View) -> Mapping[str, Any]:
    found = _checked(view)
    order = ("error", "warning", "advice")
    return {
        "findings": sorted(found, key=lambda finding: order.index(finding.severity)),
        "root": view.project.root,
    }


def _checked(view: View) -> list[FlowFinding]:
    """Return what the checker finds, which is kept as long as the files are as they were."""
    project, name = view.project, view.path["flow"]
    directory = project.flows_dir / name
    files = [*sorted(directory.glob("*.json")), *sorted(directory.glob("*.toml"))]
    files.append(project.config_file)
    stamps = tuple((str(file), file_signature(file)) for file in files)
    key = (str(directory), view.target)
    with _findings_lock:
        kept = _findings.get((*key, stamps))
    if kept is not None:
        return kept
    found = check_flows(project, [name], view.target)
    with _findings_lock:
        for known in [each for each in _findings if each[:2] == key]:
            del _findings[known]
        _findings[(*key, stamps)] = found
    return found


def _runs(view: View) -> list[dict[str, Any]]:
    """Return the last runs of the flow, which several parts show."""
    name = view.path["flow"]

    def read(before: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
        return view.ask(
            lambda services: list_runs(view.project, view.target, services, limit=_RUNS, flow=name)
        )

    return view.site.shared.get(("runs of flow", name), _RUNS_SECONDS, read)


def _load_runs(view: View) -> Mapping[str, Any]:
    runs = _runs(view)
    return {"runs": runs[:_SHOWN_RUNS], "ends": ends_of(runs), "count": len(runs)}


def _load_times(view: View) -> Mapping[str, Any]:
    source = view.project.flow(view.path["flow"])
    ended = [run for run in _runs(view) if run.get("status") in FINAL]
    timed = ended[: _TIMED_RUNS[view.target]]
    visits = [_visits(view, str(run["run_id"])) for run in timed]
    return {"rows": state_figures(source.definition, visits), "count": len(timed)}


def _visits(view: View, run_id: str) -> tuple[StateView, ...]:
    return _states.of(run_id, lambda: view.ask(partial(run_log, run_id=run_id)))


PAGE: Final = Page(
    name="flow",
    path="/flows/{flow}",
    title="Flow",
    template="flows/flow.html",
    load=_load,
    parts=(
        Part("source", "flows/source.html", _load_source, topics=("project",), every=10.0),
        Part("drawing", "flows/drawing.html", _load_drawing, topics=("project",), every=10.0),
        Part("findings", "flows/findings.html", _load_findings, topics=("project",), every=10.0),
        Part("runs", "flows/runs.html", _load_runs, topics=("runs",), every=30.0),
        Part("times", "flows/times.html", _load_times, topics=("runs",), every=60.0),
    ),
)
