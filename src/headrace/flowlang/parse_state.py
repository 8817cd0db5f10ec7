"""Reading one state of a definition."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace.flowlang import limits
from headrace.flowlang.action_urls import (
    AWAIT_WEB_INPUT,
    CREATE_WEB_INPUT,
    HANDLE,
    HANDLER_FIELDS,
    REGISTERED_API,
    UUID,
    is_handle,
)
from headrace.flowlang.model import (
    ActionState,
    Catcher,
    ChoiceState,
    ExpressionEvalState,
    FailState,
    PassState,
    State,
    WaitState,
)
from headrace.flowlang.parameters import private_names
from headrace.flowlang.parse_choice import parse_rules
from headrace.flowlang.paths import Path, compile_path
from headrace.flowlang.reader import StateReader
from headrace.flowlang.timestamps import parse_timestamp

_TRANSITION: Final = {"Next", "End"}
_ACTION: Final = (
    "ActionUrl",
    "ActionScope",
    "Handler",
    "Parameters",
    "InputPath",
    "ResultPath",
    "WaitTime",
    "ExceptionOnActionFailure",
    "RunAs",
    "Catch",
)
_WEB_INPUTS: Final = {"CreateWebInput": CREATE_WEB_INPUT, "AwaitWebInput": AWAIT_WEB_INPUT}
_LOOPBACK: Final = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/.*)?")


def parse_action(reader: StateReader) -> State | None:
    """Read an Action."""
    reader.only(*_ACTION, *_TRANSITION)
    following = reader.following()
    url, scope = _address(reader)
    reader.exactly_one("Parameters", "InputPath")
    parameters = reader.parameters()
    wait_time = reader.raw.get("WaitTime", limits.DEFAULT_WAIT_TIME)
    if isinstance(wait_time, bool) or not isinstance(wait_time, int) or wait_time < 1:
        reader.add(["WaitTime"], "must be a whole number of seconds, at least 1")
    raises = reader.raw.get("ExceptionOnActionFailure", True)
    if not isinstance(raises, bool):
        reader.add(
            ["ExceptionOnActionFailure"],
            "value could not be parsed to a boolean",
            "type_error.bool",
        )
    return ActionState(
        name=reader.name,
        next=following,
        url=url,
        scope=scope,
        parameters=parameters,
        input_path=reader.path("InputPath"),
        result_path=reader.result_path(),
        wait_time=wait_time,
        raises=raises,
        run_as=reader.text("RunAs") or "User",
        catch=_catchers(reader),
        private=private_names(parameters),
        bare=url.startswith((REGISTERED_API, HANDLE)),
    )


def parse_web_input(reader: StateReader) -> State | None:
    """Read a CreateWebInput or an AwaitWebInput: an action of the service itself."""
    reader.only("Parameters", "InputPath", "ResultPath", "Catch", *_TRANSITION)
    following = reader.following()
    if "Parameters" in reader.raw and "InputPath" in reader.raw:
        reader.add([], "Parameters and InputPath are mutually exclusive")
    parameters = reader.parameters()
    input_path = reader.path("InputPath")
    if "Parameters" not in reader.raw and input_path is None:
        # As in ASL, the whole payload is the input of a state that does not say what is.
        input_path = compile_path("$")
    return ActionState(
        name=reader.name,
        next=following,
        url=_WEB_INPUTS[reader.raw["Type"]],
        scope=None,
        parameters=parameters,
        input_path=input_path,
        result_path=reader.result_path(),
        wait_time=limits.WEB_INPUT_WAIT_TIME,
        raises=True,
        run_as="User",
        catch=_catchers(reader),
        private=private_names(parameters),
        bare=True,
    )


def parse_expression_eval(reader: StateReader) -> State | None:
    """Read an ExpressionEval."""
    reader.only("Parameters", "ResultPath", *_TRANSITION)
    following = reader.following()
    for member in ("Parameters", "ResultPath"):
        if member not in reader.raw:
            reader.add([member], "field required", "value_error.missing")
    parameters = reader.parameters()
    result_path = reader.result_path()
    if parameters is None:
        return None
    private = private_names(parameters)
    return ExpressionEvalState(reader.name, following, parameters, result_path, private)


def parse_pass(reader: StateReader) -> State | None:
    """Read a Pass."""
    reader.only("Parameters", "InputPath", "Result", "ResultPath", *_TRANSITION)
    result = reader.raw.get("Result")
    if "Result" in reader.raw and not isinstance(result, dict):
        reader.add(["Result"], "value is not a valid dict", "type_error.dict")
    parameters = reader.parameters()
    return PassState(
        name=reader.name,
        next=reader.following(),
        parameters=parameters,
        input_path=reader.path("InputPath"),
        result=result if isinstance(result, dict) else None,
        result_path=reader.result_path(),
        private=private_names(parameters),
    )


def parse_choice(reader: StateReader) -> State | None:
    """Read a Choice."""
    reader.only("Choices", "Default")
    default = reader.raw.get("Default")
    if "Default" in reader.raw:
        reader.known_state(default, ["Default"])
    return ChoiceState(reader.name, None, parse_rules(reader), default)


def parse_wait(reader: StateReader) -> State | None:
    """Read a Wait."""
    members = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
    reader.only(*members, *_TRANSITION)
    following = reader.following()
    member = reader.exactly_one(*members)
    seconds = timestamp = None
    if member == "Seconds":
        value = reader.raw["Seconds"]
        if isinstance(value, bool) or not isinstance(value, int) or value > limits.MAX_WAIT_SECONDS:
            reader.add(["Seconds"], f"must be a whole number, at most {limits.MAX_WAIT_SECONDS}")
        else:
            seconds = float(value)
    if member == "Timestamp":
        timestamp = parse_timestamp(reader.raw["Timestamp"])
        if timestamp is None:
            reader.add(["Timestamp"], "must be a time such as 2026-01-31T12:00:00Z, with a zone")
    return WaitState(
        name=reader.name,
        next=following,
        seconds=seconds,
        seconds_path=reader.path("SecondsPath"),
        timestamp=timestamp,
        timestamp_path=reader.path("TimestampPath"),
    )


def parse_fail(reader: StateReader) -> State | None:
    """Read a Fail."""
    reader.only("Error", "ErrorPath", "Cause", "CausePath")
    values: list[str | Path | None] = []
    for member in ("Error", "Cause"):
        if member in reader.raw and f"{member}Path" in reader.raw:
            reader.add([], f"{member} and {member}Path are mutually exclusive")
        values.append(reader.text(member) or reader.path(f"{member}Path"))
    return FailState(reader.name, None, values[0], values[1])


STATE_PARSERS: Final[Mapping[str, Callable[[StateReader], State | None]]] = {
    "Action": parse_action,
    "ExpressionEval": parse_expression_eval,
    "Pass": parse_pass,
    "Choice": parse_choice,
    "Wait": parse_wait,
    "Fail": parse_fail,
    "CreateWebInput": parse_web_input,
    "AwaitWebInput": parse_web_input,
}


def _address(reader: StateReader) -> tuple[str, str | None]:
    """Return what the action is addressed to, and the scope of its token if it is said."""
    if reader.exactly_one("ActionUrl", "Handler") != "Handler":
        url = reader.text("ActionUrl")
        return (_url(reader, url, ["ActionUrl"]) if url else ""), reader.text("ActionScope")
    if "ActionScope" in reader.raw:
        reader.add(["ActionScope"], "belongs into Handler as 'Scope'")
    handler = reader.raw["Handler"]
    if isinstance(handler, str):
        if not is_handle(handler):
            reader.add(["Handler"], f"{handler!r:.80}: a handle is {HANDLE}globus:SERVICE.ROUTE")
        return handler, None
    kind = handler.get("Type") if isinstance(handler, dict) else None
    fields = HANDLER_FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        reader.add(
            ["Handler"],
            "must be {'Type': 'ActionProvider', 'Url': 'https://...'}, "
            "{'Type': 'RegisteredAPI', 'Id': '<uuid>'} or a handle's URN",
        )
        return "", None
    for name in handler:
        if name not in fields:
            reader.add(["Handler", name], "extra fields not permitted", "value_error.extra")
    required = fields[1]
    if required not in handler:
        reader.add(["Handler", required], "field required", "value_error.missing")
        return "", None
    for name in ("Url", "Id", "Scope"):
        if name in fields and not isinstance(handler.get(name, ""), str):
            reader.add(["Handler", name], "str type expected", "type_error.str")
            return "", None
    if kind == "RegisteredAPI":
        if not UUID.fullmatch(handler["Id"]):
            reader.add(["Handler", "Id"], "value is not a valid uuid", "type_error.uuid")
        return REGISTERED_API + handler["Id"], None
    return _url(reader, handler["Url"], ["Handler", "Url"]), handler.get("Scope")


def _url(reader: StateReader, url: str, where: list[Any]) -> str:
    loopback = reader.allow_http and _LOOPBACK.fullmatch(url)
    if not re.fullmatch(r"https://.+", url) and not loopback:
        reader.add(where, f"{url!r}: an action provider's URL begins with https://")
    return url


def _catchers(reader: StateReader) -> tuple[Catcher, ...]:
    raw = reader.raw.get("Catch", [])
    if not isinstance(raw, list) or ("Catch" in reader.raw and not raw):
        reader.add(["Catch"], "must be an array of at least one catcher")
        return ()
    catchers = []
    for number, item in enumerate(raw):
        where: list[Any] = ["Catch", number]
        if not isinstance(item, dict):
            reader.add(where, "value is not a valid dict", "type_error.dict")
            continue
        for name in item:
            if name not in {"ErrorEquals", "Next", "ResultPath"}:
                reader.add([*where, name], "extra fields not permitted", "value_error.extra")
        for name in ("ErrorEquals", "Next"):
            if name not in item:
                reader.add([*where, name], "field required", "value_error.missing")
        if "Next" in item:
            reader.known_state(item["Next"], [*where, "Next"])
        errors = item.get("ErrorEquals")
        if "ErrorEquals" in item and (
            not isinstance(errors, list)
            or not errors
            or not all(isinstance(error, str) and error for error in errors)
        ):
            reader.add([*where, "ErrorEquals"], "must be an array of names of failures")
            errors = None
        path = reader.reference(item.get("ResultPath", "$"), [*where, "ResultPath"])
        catchers.append(Catcher(frozenset(errors or ()), str(item.get("Next")), path))
    return tuple(catchers)
