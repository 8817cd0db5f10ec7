"""Files that people write: read whole, written whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headrace.project.errors import ProjectError


def read_text(path: Path) -> str:
    """Returns the text of a file.

    Raises:
        ProjectError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProjectError(
            f"{path}: not UTF-8 text ({error.reason} at byte {error.start})"
        ) from error
    except OSError as error:
        raise ProjectError(f"{path}: {error.strerror or error}") from error


def read_json_object(path: Path) -> dict[str, Any]:
    """Returns the object in a JSON file.

    Raises:
        ProjectError: not JSON, told with line and column, or not an object.
    """
    return parse_json_object(read_text(path), str(path))


def parse_json_object(text: str, source: str) -> dict[str, Any]:
    """Returns the object in a JSON text.

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


def parse_json(text: str, source: str) -> Any:
    """Returns the value in a JSON text.

    Args:
        text: the text.
        source: where it is from, for messages.

    Raises:
        ProjectError: not JSON, told with line and column.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{source}:{error.lineno}:{error.colno}"
        raise ProjectError(f"{where}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise ProjectError(f"{source}: nested too deep to be read") from error
