"""Checks of triggers before anything is watched: what would fail at the first arrival."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.config.errors import ProjectError
from headrace.errors import HeadraceError
from headrace.project.project import Project
from headrace.runs.input_resolution import is_location, locations_of, resolve_input
from headrace.runs.launch import deployed_flow

if TYPE_CHECKING:
    from headrace._internal.json_schema import SchemaProblem
    from headrace.triggers import Arrival, Trigger

# What a name can be in an input that names something; see headrace.runs.input_resolution.
_NAMED = ("endpoint", "function", "options_of", "project_on", "directory")
# Rules of schemas about texts and numbers that hold for some names of arrivals and not for others.
_ABOUT_VALUES = frozenset({"pattern", "format", "enum", "const", "minLength", "maxLength"}) | {
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
}


def check_triggers(project: Project, target: str, triggers: Iterable[Trigger]) -> list[str]:
    """Find everything that would keep the runs of triggers from being started.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        triggers: the triggers.

    Returns:
        One line each: the trigger's file, the key, what is wrong and the way out.
    """
    known = list(triggers)
    return [
        f"{trigger.file}: {problem}"
        for trigger in known
        for problem in _problems(project, target, trigger)
    ] + [*_cycles(known), *_chains(project, known)]


def _chains(project: Project, triggers: Sequence[Trigger]) -> Iterator[str]:
    """Yield what is wrong with triggers that start each other, whichever of them are checked."""
    from headrace.triggers import load_triggers_and_errors
    from headrace.triggers.trigger_cycles import chain_cycles

    names = {one.name for one in triggers}
    if all(one.after is None for one in triggers):
        return
    roots = {name: collection.root for name, collection in project.collections.items()}
    others = [
        one
        for one in load_triggers_and_errors(project.triggers_dir, roots)[0]
        if one.name not in names
    ]
    for cycle in chain_cycles([*triggers, *others]):
        first = next((one for one in cycle if one.name in names), None)
        if first is not None:
            yield (
                f"{first.file}: after.flow: runs start each other without end, by "
                f"{'trigger' if len(cycle) == 1 else 'triggers'} "
                f"{', '.join(one.name for one in cycle)}; write after.max_depth, the number of "
                "runs in a row, if that is meant"
            )


def _cycles(triggers: Sequence[Trigger]) -> list[str]:
    from headrace.triggers.trigger_cycles import move_cycles

    return [
        f"{cycle[0].file}: afterwards.move: what arrives goes round without end, by triggers "
        f"{', '.join(one.name for one in cycle)}; have one of them move it elsewhere, or leave out "
        "afterwards.arrives"
        for cycle in move_cycles(triggers)
    ]


def _problems(project: Project, target: str, trigger: Trigger) -> Iterator[str]:
    from headrace.triggers import directory_problem

    if problem := directory_problem(trigger) or _unreachable_reason(project, target, trigger):
        yield problem
    yield from _about_check(trigger)
    for flow in trigger.after.flow if trigger.after is not None else ():
        try:
            deployed_flow(project, target, flow)
        except HeadraceError as error:
            yield f"after.flow: {error}"
    try:
        source = project.flow(trigger.flow)
        deployed_flow(project, target, trigger.flow)
    except HeadraceError as error:
        yield f"start.flow: {error}"
        return
    body = _example(trigger)
    wrong = list(_about_names(project, target, body, "start.input"))
    yield from wrong
    if not wrong:
        resolved = resolve_input(project, project.lock(), target, body)
        yield from _about_schema(trigger, resolved, source.input_schema)
        yield from _about_collections(project, target, body)


def _unreachable_reason(project: Project, target: str, trigger: Trigger) -> str:
    """Return what is wrong with a watched directory that transfers cannot reach."""
    from headrace.facility.transfer import outside_link_problem

    reads = {location.collection for location in locations_of(dict(trigger.input))}
    if target != "local" or not trigger.watches_directory or trigger.collection not in reads:
        return ""
    root = project.collection(trigger.collection).root
    problem = outside_link_problem(trigger.collection, root, trigger.path)
    return f"watch.path: {problem}" if problem else ""


def _about_check(trigger: Trigger) -> Iterator[str]:
    if not trigger.check:
        return
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    program, base = trigger.check[0], trigger.file.parent.parent
    found = (base / program).is_file() if "/" in program else shutil.which(program, path=path)
    if not found:
        yield f"watch.check: there is no program {program!r}; see its path"


def _example(trigger: Trigger) -> Any:
    """Return the input of a run on something that might arrive."""
    from headrace.triggers import Arrival, render_input

    if trigger.every is not None:
        return render_input(dict(trigger.input), example_tick(trigger))
    if trigger.after is not None:
        return render_input(dict(trigger.input), _example_end(trigger, trigger.after.flow[0]))
    pattern = "1" if trigger.regex else trigger.pattern
    name = "".join(character if character.isalnum() else "1" for character in pattern)
    path = f"{trigger.path}{'1/' * (trigger.depth - 1)}{name}"
    location = trigger.root / path.strip("/")
    path += "/" if trigger.what == "directory" else ""
    # Texts that are numbers, too, where a template asks for one.
    texts = tuple((text, "1") for text in trigger.text_names)
    members = tuple(f"{path}{number}" for number in range(len(trigger.members)))
    arrival = Arrival(
        *(trigger.name, trigger.collection, name, path, location), texts=texts, members=members
    )
    return render_input(dict(trigger.input), arrival)


def example_tick(trigger: Trigger) -> Arrival:
    """Return a time at which a timer might be due."""
    from headrace.triggers import Arrival
    from headrace.triggers.timer_schedule import tick_values

    name = "2026-12-24T06:00:00+00:00"
    path = f"every/{name}"
    values = tick_values(name, 1)
    return Arrival(trigger.name, "", name, path, trigger.root / path, texts=values)


def _example_end(trigger: Trigger, flow: str) -> Arrival:
    """Return the end of a run that might be an arrival, with all values that are taken from it."""
    from headrace.triggers.output_values import example_output
    from headrace.triggers.run_end import RunEnd, end_arrival, templates_of

    output = json.loads(example_output(templates_of(trigger)))
    # A text that is a number, too, where a template asks for one.
    return end_arrival(trigger, RunEnd("1", flow, "1", "SUCCEEDED", (), datetime.now(UTC), output))


def _about_names(project: Project, target: str, value: Any, where: str) -> Iterator[str]:
    """Yield what is wrong with each name in an input."""
    if isinstance(value, Mapping):
        if is_location(value) or (len(value) == 1 and next(iter(value)) in _NAMED):
            try:
                resolve_input(project, project.lock(), target, value)
            except (ProjectError, KeyError) as error:
                yield f"{where}: {error}"
            return
        for key, item in value.items():
            yield from _about_names(project, target, item, f"{where}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _about_names(project, target, item, f"{where}[{number}]")


def _about_schema(trigger: Trigger, body: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    from headrace._internal.json_schema import value_problems

    for problem in value_problems(dict(schema), body):
        if problem.rule in _ABOUT_VALUES and _is_made_of_arrival(trigger, problem.path):
            continue
        if _is_output(trigger, problem.path):
            continue  # what it is, the run alone says
        path = problem.json_path.removeprefix("$")
        yield (
            f"start.input{path}: {problem.message}; see flows/{trigger.flow}/input_schema.json"
            f"{_typed_form(trigger, problem)}"
        )


def _typed_form(trigger: Trigger, problem: SchemaProblem) -> str:
    """Return advice where a placeholder makes a text, and the schema asks for something else."""
    placeholder = re.fullmatch(r"\{(\w+)\}", str(_template_at(trigger, problem.path)))
    if problem.rule != "type" or placeholder is None:
        return ""
    name = placeholder[1]
    return f'; "{{{name}:int}}" and "{{{name}:float}}" make a number of it'


def _is_made_of_arrival(trigger: Trigger, path: Iterable[str | int]) -> bool:
    """Return whether a path of the input has a placeholder, or is not in the template."""
    value = _template_at(trigger, path)
    if isinstance(value, int | float):
        return False
    return not isinstance(value, str) or "{" in value.replace("{{", "")


def _is_output(trigger: Trigger, path: Iterable[str | int]) -> bool:
    """Return whether something in the input is, or lies in, a value of a run's output."""
    from headrace.triggers.output_values import sole_path

    steps = [*path]
    above = (_template_at(trigger, steps[:number]) for number in range(len(steps) + 1))
    return any(isinstance(one, str) and sole_path(one) is not None for one in above)


def _template_at(trigger: Trigger, path: Iterable[str | int]) -> Any:
    """Return what the template has at a path of the input; None where it has nothing there."""
    value: Any = trigger.input
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _about_collections(project: Project, target: str, body: Any) -> Iterator[str]:
    """Yield what is wrong with the collections and paths of an input, on this machine."""
    from headrace.facility.transfer import outside_link_problem

    for location in locations_of(body):
        where = f"start.input.{location.member}"
        if location.path_problem:
            yield f"{where}: {location.path}: the path {location.path_problem}"
        elif target == "local":
            root = project.collection(location.collection).root
            if not root.is_dir():
                yield (
                    f"{where}: collection {location.collection!r}: its root {root} is not a "
                    "directory: create it, or change `root` in headrace.toml"
                )
            elif problem := outside_link_problem(location.collection, root, location.path):
                yield f"{where}: {problem}"
