"""Files that people write: read whole, written whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headrace._internal.json_check import InvalidValue, load_json
from headrace.config.errors import ProjectError


def read_text(path: Path) -> str:
    """Return the text of a file, without a byte-order mark.

    Raises:
        ProjectError: it cannot be read, or is not UTF-8.
    """
    return decoded(_read(path), str(path))


def decoded(data: bytes, source: str) -> str:
    """Return text from its bytes, without a byte-order mark.

    Args:
        data: the bytes.
        source: where they are from, for messages.

    Raises:
        ProjectError: they are not UTF-8; names the encoding where it can be told.
    """
    encoding = json.detect_encoding(data)
    if not encoding.startswith("utf-8"):
        name = "-".join(encoding.upper().split("-")[:2])
        raise ProjectError(f"{source}: {name} text; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProjectError(
            f"{source}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        ProjectError: not JSON, told with line and column, or not an object.
    """
    return parse_json_object(_read(path), str(path))


def parse_json_object(text: str | bytes, source: str) -> dict[str, Any]:
    """Return the object in a JSON text.

    Args:
        text: the text.
        source: where it is from, for messages.

    Raises:
        ProjectError: not JSON, told with line and column, or not an object.
    """
    document = parse_json(text, source)
    if not isinstance(document, dict):
        raise ProjectError(f"{source}:1:1: expected a JSON object, found {type(document).__name__}")
    return document


def parse_json(text: str | bytes, source: str) -> Any:
    """Return the value in a JSON text.

    Args:
        text: the text.
        source: where it is from, for messages.

    Raises:
        ProjectError: not JSON, told with line and column, or JSON that says what cannot be sent,
            such as numbers that are not finite, told with the path of the value.
    """
    shown = text if isinstance(text, str) else decoded(text, source)
    if not shown.strip():
        raise ProjectError(f"{source}:1:1: not JSON: it is empty")
    try:
        return load_json(shown, source)
    except InvalidValue as error:
        if isinstance(error.__context__, json.JSONDecodeError):
            wrong = error.__context__
            where = f"{source}:{wrong.lineno}:{wrong.colno}"
            raise ProjectError(f"{where}: not JSON: {wrong.msg}") from error
        raise ProjectError(str(error)) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProjectError(f"{path}: {error.strerror or error}") from error
