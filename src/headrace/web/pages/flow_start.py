"""Start form of a flow: its input as its schema describes it, checked as `headrace start` does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headrace.diagnostics.doctor import diagnose
from headrace.diagnostics.preflight import preflight
from headrace.errors import HeadraceError
from headrace.hosted import NoAnswerError
from headrace.runs.input_resolution import InputResolver
from headrace.runs.launch import RunOptions, prepare, send
from headrace.runs.query import find_run, run_log
from headrace.runs.run_document import run_input
from headrace.triggers.trigger_loading import load_trigger
from headrace.web.errors import PageMissing
from headrace.web.page import Action, Again, Done, Page, repeatable
from headrace.web.view import View
from headrace.web.views.input_form.controls import input_controls
from headrace.web.views.input_form.reading import (
    TypedInput,
    add_schema_problems,
    read_input,
)
from headrace.web.views.input_form.shapes import UNSET, input_shape
from headrace.web.views.input_form.texts import (
    Names,
    Texts,
    texts_of,
    with_new_item,
    without_item,
)
from headrace.web.views.names_by_id import names_by_id

if TYPE_CHECKING:
    from headrace.project import FlowSource

_OPTIONS: Final = ("label", "tags", "preflight")


def _flow(view: View) -> FlowSource:
    name = view.path["flow"]
    if name not in view.project.flow_names():
        raise PageMissing(f"the project has no flow {name!r}: the page Flows has those that are")
    return view.project.flow(name)


def _load(view: View) -> Mapping[str, Any]:
    source = _flow(view)
    names = _names(view)
    value, label, origin = _first_input(view)
    shape = input_shape(source.input_schema)
    options = {"label": label, "tags": "", "preflight": "on"}
    return _shown(view, texts_of(shape, value, names), options, TypedInput(), origin=origin)


def _first_input(view: View) -> tuple[Any, str, str]:
    """Return the input that the form begins with, a label for the run, and where it is from."""
    run, trigger = view.query.get("run", ""), view.query.get("trigger", "")
    if run:
        run_id = view.ask(lambda services: find_run(services, run))
        entries = view.ask(lambda services: run_log(services, run_id, limit=1))
        document = view.ask(lambda services: services.read(f"/runs/{run_id}"))
        return run_input(entries), str(document.get("label") or ""), f"the input of run {run_id}"
    if trigger:
        if trigger not in _triggers(view):
            raise PageMissing(f"no trigger {trigger!r} starts this flow")
        roots = {name: one.root for name, one in view.project.collections.items()}
        file = view.project.triggers_dir / f"{trigger}.toml"
        found = load_trigger(file, roots, must_exist=False)
        origin = f"the input of trigger {trigger}: put what is meant in the place of names in {{}}"
        return dict(found.input), "", origin
    return UNSET, "", ""


def _triggers(view: View) -> list[str]:
    """Return the names of the triggers that start this flow."""
    from headrace.triggers.trigger_loading import load_triggers_and_errors

    roots = {name: one.root for name, one in view.project.collections.items()}
    triggers, _ = load_triggers_and_errors(view.project.triggers_dir, roots)
    return [trigger.name for trigger in triggers if trigger.flow == view.path["flow"]]


def _names(view: View) -> Names:
    project = view.project
    functions = project.function_names()
    return Names(
        tuple(sorted(project.collections)),
        tuple(sorted(project.endpoints)),
        tuple(functions),
        names_by_id(project, view.target),
    )


def _shown(
    view: View,
    texts: Texts,
    options: Mapping[str, str],
    typed: TypedInput,
    *,
    origin: str = "",
    checks: tuple[Any, ...] = (),
) -> dict[str, Any]:
    source = _flow(view)
    shape = input_shape(source.input_schema)
    control = input_controls(shape, texts, _names(view), typed.problems)
    return {
        "title": f"Start {source.title}",
        "flow": source.name,
        "description": source.description,
        "control": control,
        "faulty": [each for each in control.with_members() if each.problems],
        "options": options,
        "origin": origin,
        "checks": checks,
        "triggers": _triggers(view),
    }


def _typed(view: View) -> tuple[dict[str, str], dict[str, str]]:
    """Return what stands in the controls, and the run's options."""
    texts = {name: value.replace("\r\n", "\n") for name, value in view.fields if name[1:2] == ":"}
    return texts, {name: view.form.get(name, "") for name in _OPTIONS}


def _read(view: View, texts: Texts) -> TypedInput:
    source = _flow(view)
    found = read_input(input_shape(source.input_schema), texts, _names(view))
    resolver = InputResolver(view.project, view.project.lock(), view.target)
    add_schema_problems(found, source.input_schema, resolver.resolve)
    return found


def _problem(found: TypedInput) -> str:
    count = sum(len(each) for each in found.problems.values())
    return f"{count} {'thing is' if count == 1 else 'things are'} wrong with the input; see below"


def _edit(view: View) -> Again:
    """Add an item to a list, or remove one."""
    texts, options = _typed(view)
    shape = input_shape(_flow(view).input_schema)
    if "add" in view.form:
        texts = with_new_item(shape, texts, view.form["add"], _names(view))
    elif "remove" in view.form:
        texts = without_item(texts, view.form["remove"])
    return Again(_shown(view, texts, options, TypedInput()), is_problem=False)


def _check(view: View) -> Again:
    texts, options = _typed(view)
    found = _read(view, texts)
    if found.problems:
        return Again(_shown(view, texts, options, found), _problem(found))
    checks = view.ask(
        lambda services: diagnose(
            view.project, view.target, services, view.path["flow"], found.value
        )
    )
    bad = sum(check.health == "bad" for check in checks)
    message = f"the input fits; {bad} of {len(checks)} checks found something that stops the run"
    good = f"the input fits, and {len(checks)} checks found nothing that stops the run"
    shown = _shown(view, texts, options, found, checks=tuple(checks))
    return Again(shown, message if bad else good, is_problem=bool(bad))


def _start(view: View) -> Done | Again:
    texts, options = _typed(view)
    found = _read(view, texts)
    if found.problems:
        return Again(_shown(view, texts, options, found), _problem(found))
    flow, body = view.path["flow"], found.value
    try:
        prepared = prepare(view.project, view.target, flow, body)
        tags = tuple(tag for each in options["tags"].split(",") if (tag := each.strip()))
        named = RunOptions(
            options["label"].strip() or None,
            tags,
            request_id=_request_id(view, body),
            asked_at=view.asked_at,
        )
        if options["preflight"]:
            view.ask(lambda services: preflight(view.project, view.target, services, flow, body))
        is_hosted = view.target == "globus"
        run = view.ask(lambda services: send(prepared, services, named, wait_for_service=is_hosted))
    except HeadraceError as error:
        message = str(error).replace("`--no-preflight` starts it anyway", "untick the check below")
        # The same form starts the same run, whether it was started or not.
        is_known = not isinstance(error, NoAnswerError)
        return Again(_shown(view, texts, options, found), message, is_known=is_known)
    return Done(f"run {run['run_id']} is started", f"runs/{run['run_id']}", subject=flow)


def _request_id(view: View, body: Any) -> str:
    """Return a name of the start: the same form with the same input starts one run."""
    typed = json.dumps([view.once, body], sort_keys=True)
    return f"page {hashlib.sha256(typed.encode()).hexdigest()[:40]}"


PAGE: Final = Page(
    name="flow_start",
    path="/flows/{flow}/start",
    title="Start",
    template="flows/start.html",
    load=_load,
    actions=(
        Action("start", _start, repeats=repeatable),
        Action("check", _check, changes_nothing=True),
        Action("edit", _edit, changes_nothing=True),
    ),
)
