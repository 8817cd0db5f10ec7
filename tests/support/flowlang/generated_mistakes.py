"""Single mistakes, by kind, as people make them: each is put into a sound flow by itself."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from typing import Any

from tests.support.flowlang.document_edits import (
    Loc,
    at,
    leaves,
    put,
    renamed,
    slip,
    slip_in_path,
    without,
)
from tests.support.flowlang.sound_flows import Flow


def states(definition: Any, *types: str) -> list[tuple[str, Any]]:
    """States of some types."""
    found = definition["States"].items()
    return [(name, state) for name, state in found if not types or state["Type"] in types]


def parameters(definition: Any, suffix: str) -> list[tuple[Loc, str]]:
    """Members of Parameters with a suffix."""
    return [
        (("States", name, "Parameters", *loc), value)
        for name, state in states(definition)
        for loc, value in leaves(state.get("Parameters", {}))
        if loc and isinstance(loc[-1], str) and loc[-1].endswith(suffix)
    ]


def known(path: str) -> bool:
    """Whether a path leads to what is known: into an input, or the documented part of an answer."""
    return not re.search(r"(result|results|output)\[\d\]", path)


def is_named(definition: Any, name: str) -> bool:
    """Say whether a flow reads a member; one that it passes on with others is no part of it."""
    return re.search(rf"\b{re.escape(name)}\b", json.dumps(definition)) is not None


def is_read(definition: Any, path: str) -> bool:
    """Whether a state reads something below a result, by a path or in an expression."""
    name = path.removeprefix("$.")
    text = json.dumps(definition["States"]).replace(f'"ResultPath": "{path}"', "")
    return re.search(rf"(\$\.|[^\w.$/]){re.escape(name)}(\.|\[|\")", text) is not None


Made = Iterator[tuple[Any, Any]]


def path_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, path in parameters(d, ".$"):
        if known(path):
            yield put(d, loc, slip_in_path(path, rng)), s


def variable_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, path in leaves(d):
        if loc and loc[-1] == "Variable" and known(path):
            yield put(d, loc, slip_in_path(path, rng)), s


def other_path_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, path in leaves(d):
        if loc and loc[-1] in ("InputPath", "SecondsPath", "TimestampPath", "CausePath"):
            yield put(d, loc, slip_in_path(path, rng)), s


def expression_name(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, text in parameters(d, ".="):
        names = list(re.finditer(r"(?<![\w.'\]])([a-z_]\w{2,})\.(\w{2,})", text, re.IGNORECASE))
        names = [n for n in names if n[1] not in ("entry", "plot", "told", "part") and known(text)]
        if names:
            name = rng.choice(names)
            group = rng.choice([1, 2]) if name[1] != "segments" else 1
            wrong = slip(name[group], rng)
            yield put(d, loc, text[: name.start(group)] + wrong + text[name.end(group) :]), s


def lost_path_suffix(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, _ in parameters(d, ".$"):
        yield renamed(d, loc, loc[-1][:-2]), s


def lost_expression_suffix(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, _ in parameters(d, ".="):
        yield renamed(d, loc, loc[-1][:-2]), s


def path_as_expression(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, _ in parameters(d, ".$"):
        yield renamed(d, loc, loc[-1][:-1] + "="), s


def expression_as_path(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, _ in parameters(d, ".="):
        yield renamed(d, loc, loc[-1][:-1] + "$"), s


def next_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, name in leaves(d):
        if loc and loc[-1] in ("Next", "Default") and isinstance(name, str):
            wrong = slip(name, rng)
            if wrong not in d["States"]:
                yield put(d, loc, wrong), s


def another_next(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, name in leaves(d):
        if loc and loc[-1] == "Next" and isinstance(name, str) and len(loc) == 3:
            others = [n for n in d["States"] if n not in (name, loc[1])]
            if others:
                yield put(d, loc, rng.choice(others)), s


def another_start(d: Any, s: Any, rng: random.Random) -> Made:
    others = [n for n in d["States"] if n != d["StartAt"]]
    if others:
        yield put(d, ("StartAt",), rng.choice(others)), s


def lost_result_path(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d, "Action", "CreateWebInput", "AwaitWebInput", "Pass"):
        if "ResultPath" in state and not state.get("End"):
            yield without(d, ("States", name, "ResultPath")), s


def result_path_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d):
        path = state.get("ResultPath")
        if path and is_read(d, path):
            yield put(d, ("States", name, "ResultPath"), "$." + slip(path[2:], rng)), s


def result_over_input(d: Any, s: Any, rng: random.Random) -> Made:
    objects = [n for n, p in s["properties"].items() if p.get("type") == "object"]
    for name, state in states(d, "Action"):
        if "ResultPath" in state and not state.get("End") and objects:
            yield put(d, ("States", name, "ResultPath"), f"$.{rng.choice(objects)}"), s


def parameter_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d, "Action", "CreateWebInput", "AwaitWebInput"):
        if "flows.globus.org" in state.get("ActionUrl", ""):
            continue
        for loc, _ in leaves(state.get("Parameters", {})):
            inner = {"kwargs", "content", "user_endpoint_config"} & set(map(str, loc[:-1]))
            if loc and isinstance(loc[-1], str) and not inner:
                key = loc[-1]
                bare, suffix = (key[:-2], key[-2:]) if key[-2:] in (".$", ".=") else (key, "")
                place = ("States", name, "Parameters", *loc)
                yield renamed(d, place, slip(bare, rng) + suffix), s


REQUIRED = ("source_endpoint", "destination_endpoint", "DATA", "endpoint_id", "tasks", "endpoint",
            "function", "function_id", "path", "operation", "search_index", "Options", "Context",
            "web_input_id", "source_path", "destination_path")  # fmt: skip


def lost_parameter(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d, "Action", "CreateWebInput", "AwaitWebInput"):
        if "/ls" in state.get("ActionUrl", "") or "flows.globus" in state.get("ActionUrl", ""):
            continue
        for loc, _ in leaves(state.get("Parameters", {})):
            inner = {"kwargs", "content"} & set(map(str, loc[:-1]))
            if loc and not inner and str(loc[-1]).removesuffix(".$").removesuffix(".=") in REQUIRED:
                yield without(d, ("States", name, "Parameters", *loc)), s


def parameter_type(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d, "Action"):
        for loc, value in leaves(state["Parameters"]):
            place = ("States", name, "Parameters", *loc)
            if loc and loc[-1] in ("recursive", "verify_checksum", "preserve_timestamp", "limit"):
                yield put(d, place, str(value).lower()), s
            elif loc and loc[-1] in ("sync_level",):
                yield put(d, place, rng.choice([7, "all", [value]])), s
            elif loc and loc[-1] in ("operation", "permissions"):
                yield put(d, place, str(value).lower() + "x"), s


def task_shape(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d, "Action", "CreateWebInput"):
        for key, value in state["Parameters"].items():
            if isinstance(value, list) and key in REQUIRED:
                place = ("States", name, "Parameters", key)
                yield put(d, place, value[0]), s
                yield put(d, place, [value]), s
                yield put(d, place, []), s


def short_wait_time(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d, "Action"):
        if state.get("WaitTime", 0) > 3600:
            yield put(d, ("States", name, "WaitTime"), rng.choice([10, 30, 60, 120, 300])), s


def lost_wait_time(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d, "Action"):
        if state.get("WaitTime", 0) > 3600:
            yield without(d, ("States", name, "WaitTime")), s


def field_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d):
        field = rng.choice([key for key in state if key != "Comment"])
        yield renamed(d, ("States", name, field), slip(field, rng)), s


def type_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d):
        yield put(d, ("States", name, "Type"), slip(state["Type"], rng)), s


def error_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, value in leaves(d):
        if len(loc) > 2 and loc[-2] == "ErrorEquals" and value != "States.ALL":
            yield put(d, loc, slip(value, rng)), s


def lost_catch_path(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, value in leaves(d):
        if "Catch" in loc and loc[-1] == "ResultPath" and is_read(d, value):
            yield without(d, loc), s


def operator_family(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, value in leaves(d):
        holder = at(d, loc[:-1]) if loc else None
        if not isinstance(holder, dict) or not known(str(holder.get("Variable", "result[0]"))):
            continue
        if loc[-1] == "StringEquals":
            yield renamed(put(d, loc, 1), loc, "NumericEquals"), s
        elif loc[-1] in ("NumericGreaterThan", "NumericEquals", "NumericLessThan"):
            yield renamed(put(d, loc, str(value)), loc, "StringEquals"), s


def literal_type(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, value in leaves(d):
        if loc and isinstance(loc[-1], str) and re.match(r"Numeric|IsPresent|String", loc[-1]):
            yield put(d, loc, str(value) if not isinstance(value, str) else 1), s


def literal_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, value in leaves(d):
        variable = at(d, loc[:-1]).get("Variable") if loc and loc[-1] == "StringEquals" else None
        # What an entity_type can be is not documented in full.
        if variable and known(variable) and "entity_type" not in variable:
            yield put(d, loc, slip(value, rng)), s


def lost_property(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, _ in leaves(s):
        if len(loc) > 1 and loc[-2] == "properties" and is_named(d, loc[-1]):
            changed = without(s, loc)
            needed = at(changed, loc[:-2]).get("required", [])
            if loc[-1] in needed:
                needed.remove(loc[-1])
            yield d, changed


def not_required(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, _ in leaves(s):
        if len(loc) > 1 and loc[-2] == "required" and isinstance(loc[-1], int):
            yield d, without(s, loc)


def property_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, _ in leaves(s):
        if len(loc) > 1 and loc[-2] == "properties" and is_named(d, loc[-1]):
            wrong = slip(loc[-1], rng)
            changed = renamed(s, loc, wrong)
            needed = at(changed, loc[:-2]).get("required", [])
            needed[:] = [wrong if name == loc[-1] else name for name in needed]
            yield d, changed


def context_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, value in leaves(d):
        if isinstance(value, str) and (found := re.search(r"_context\.(\w+)", value)):
            wrong = slip(found[1], rng)
            yield put(d, loc, value[: found.start(1)] + wrong + value[found.end(1) :]), s


def address_letter(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, value in leaves(d):
        if loc and loc[-1] == "ActionUrl" and "flows.globus.org" not in value:
            place = value.index("//") + 2
            yield put(d, loc, value[:place] + slip(value[place:], rng)), s


def swapped_ends(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d, "Action"):
        given = state["Parameters"]
        ends = ("source_endpoint.$", "destination_endpoint.$")
        if all(end in given for end in ends) and isinstance(given.get("DATA"), list):
            changed = copy.deepcopy(d)
            swapped = changed["States"][name]["Parameters"]
            swapped[ends[0]], swapped[ends[1]] = swapped[ends[1]], swapped[ends[0]]
            yield changed, s


def index_off(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, value in leaves(d):
        if isinstance(value, str) and (found := re.search(r"results?\[(\d)\]", value)):
            number = int(found[1])
            yield put(d, loc, value.replace(f"[{number}]", f"[{number + 2}]")), s
            if loc[-1] != "Variable":
                yield put(d, loc, value.replace(f"[{number}].", ".", 1)), s


def lost_default(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d, "Choice"):
        if "Default" in state:
            yield without(d, ("States", name, "Default")), s


def id_for_path(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, path in parameters(d, ".$"):
        if path.endswith(".path") and "DATA" in loc:
            yield put(d, loc, path.removesuffix("path") + "id"), s


def lost_quote(d: Any, s: Any, rng: random.Random) -> Made:
    for loc, text in parameters(d, ".="):
        if "'" in text:
            yield put(d, loc, text.replace("'", "", 1)), s


def failure_as_result(d: Any, s: Any, rng: random.Random) -> Made:
    for name, state in states(d, "Action"):
        result = state.get("ResultPath", "").removeprefix("$.")
        if result and re.search(rf"\b{result}\.details\.", json.dumps(d)):
            yield put(d, ("States", name, "ExceptionOnActionFailure"), False), s


KINDS = (
    path_letter, variable_letter, other_path_letter, expression_name, lost_path_suffix,
    lost_expression_suffix, path_as_expression, expression_as_path, next_letter, another_next,
    another_start, lost_result_path, result_path_letter, result_over_input, parameter_letter,
    lost_parameter, parameter_type, task_shape, short_wait_time, lost_wait_time, field_letter,
    type_letter, error_letter, lost_catch_path, operator_family, literal_type, literal_letter,
    lost_property, not_required, property_letter, context_letter, address_letter, swapped_ends,
    index_off, lost_default, id_for_path, lost_quote, failure_as_result,
)  # fmt: skip


def mistakes(flows: dict[str, Flow], each: int, seed: int) -> Iterator[tuple[str, str, Any, Any]]:
    """Single mistakes: so many of each kind, or all that there are.

    Args:
        flows: the sound flows.
        each: how many of each kind.
        seed: which of them.

    Yields:
        The kind, the flow's name, and the flow with the mistake.
    """
    for kind in KINDS:
        rng = random.Random(f"{seed} {kind.__name__}")
        made = [
            (name, definition, schema)
            for name, sound in flows.items()
            for definition, schema in kind(*sound, rng)
            if (definition, schema) != sound
        ]
        for name, definition, schema in rng.sample(made, min(each, len(made))):
            yield kind.__name__, name, definition, schema
