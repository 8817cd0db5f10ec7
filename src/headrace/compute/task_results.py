"""Results of tasks: the engine's answer reduced to a JSON value or to one line."""

from __future__ import annotations

import re

from headrace._internal.json_check import InvalidValue, load_json
from headrace._internal.terminal_text import terminal_text

_JSON_IDENTIFIER = "11\n"  # globus_compute_sdk's JSONData
_RULE = re.compile(r"^[+\-]{20,}$")
_FRAME = re.compile(r'^\s+File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)')
_EXCEPTION = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$")
_LOSS = re.compile(r"errors\.(WorkerLost|ManagerLost)\b")
# The message of an exception may be as long as a file.
_MAX_LINE = 20_000

_MEANINGS = {
    "WorkerLost": "the worker that ran the task died (killed, out of memory, or os._exit)",
    "VersionMismatch": "the workers' versions are not those of the endpoint; install the same",
    "ManagerLost": "the node that ran the task was lost (block ended, walltime, or node failure)",
}


class NotJSON(ValueError):
    """A result that is not a JSON value."""


def read_result(data: str) -> object:
    """Read a function's result from the engine's text.

    Args:
        data: serialised by the worker as JSON. Nothing else is read: other serialisations can
            run code.

    Returns:
        The value.

    Raises:
        NotJSON: it is serialised otherwise, or holds NaN, infinities, text that is not Unicode.
    """
    if not data.startswith(_JSON_IDENTIFIER):
        raise NotJSON("the result was not sent as JSON")
    try:
        return load_json(data.removeprefix(_JSON_IDENTIFIER), "the result")
    except InvalidValue as error:
        raise NotJSON(str(error)) from None


def is_worker_loss(text: str) -> bool:
    """Return whether an error of the engine says that the worker or its node was lost."""
    return _LOSS.search(text) is not None


def failure_text(result: object, key: str) -> str | None:
    """Return the traceback that a worker sent in the place of a result; None where it is one.

    Args:
        result: what the worker sent.
        key: name of the only member, which holds a traceback.
    """
    if isinstance(result, dict) and set(result) == {key}:
        return str(result[key])
    return None


def failure_line(text: str) -> str:
    """Reduce a traceback to the line that helps.

    Args:
        text: the traceback as the engine gives it.

    Returns:
        One line: the exception, its message and the function's line.
    """
    lines = [line for line in text.splitlines() if not _RULE.match(line)]
    starts = [i for i, line in enumerate(lines) if line.startswith("Traceback (most recent call")]
    block = lines[starts[-1] + 1 :] if starts else lines
    location = ""
    message_at = 0
    for number, line in enumerate(block):
        if frame := _FRAME.match(line):
            if frame["file"] == "<string>":  # the function's own source text
                location = f" (line {frame['line']} of {frame['function']})"
            message_at = number + 1
        elif starts and line[:1].isspace():
            message_at = number + 1
        elif starts:
            break
    tail = " ".join(" ".join(block[message_at:]).split())
    match = _EXCEPTION.match(tail)
    name = match["name"].rsplit(".", 1)[-1] if match else ""
    message = (match["message"] or "") if match else ""
    return one_line(_explain(name, message, tail, text) + location)


def _explain(name: str, message: str, tail: str, text: str) -> str:
    if name in _MEANINGS:
        return f"{_MEANINGS[name]}: {message}"
    if name == "SerializationError" and "All strategies failed" in message:
        causes = re.findall(r"^\s*\| (\w+): (.+)$", text, re.MULTILINE)
        reason = next((m for n, m in reversed(causes) if n != "ExceptionGroup"), message)
        return f"the function's result is not JSON: {reason}; return numbers, text, lists or dicts"
    if tail.startswith("MaxResultSizeExceeded("):
        sizes = re.findall(r"\d+", tail)
        about = f": {sizes[0]} bytes, at most {sizes[1]}" if len(sizes) > 1 else ""
        return f"the function's result is too large{about}; write a file and return its path"
    if name in ("BadStateException", "TooManyJobFailuresError"):
        return f"the endpoint's workers could not start or were lost: {_block_failure(text)}"
    if name in ("ModuleNotFoundError", "ImportError") and message:
        return f"{name}: {message}; install it where the workers run, or activate it in worker_init"
    if not name:
        return tail or "the task failed without a message"
    return f"{name}: {message}" if message else name


def _block_failure(text: str) -> str:
    code = re.search(r"EXIT CODE: (\S+)", text)
    parts = [f"exit code {code[1]}"] if code else []
    for stream in ("STDERR", "STDOUT"):
        if found := re.search(rf"{stream}: (.+?)(?:\n\t[A-Z ]+:|\nError \d+:|\Z)", text, re.DOTALL):
            words = [s.strip() for s in found[1].splitlines() if s.strip() and not _RULE.match(s)]
            if words:
                parts.append(" / ".join(words[-3:]))
                break
    else:
        if found := re.search(r"Error 1:\n\t(.+?)(?:\n\tEXIT CODE|\n-{20}|\Z)", text, re.DOTALL):
            parts.append(" ".join(found[1].split()))
    return "; ".join(parts) or "no message; see the worker logs"


def one_line(text: str) -> str:
    """Put text on one line that no terminal takes for commands.

    Of a very long one the middle is left out, and the line gives the number of its characters.
    """
    line = terminal_text(" ".join(text.split()))
    omitted = len(line) - _MAX_LINE
    if omitted <= 0:
        return line
    half = _MAX_LINE // 2
    return f"{line[:half]} [... {omitted} characters are left out ...] {line[-half:]}"
