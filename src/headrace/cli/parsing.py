"""Arguments that need more than a type: inputs, settings, runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click


class Setting(click.ParamType):
    """``key=value``: a dotted key, and a value that is JSON or else text."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the key's parts and the value."""
        key, separator, text = str(value).partition("=")
        if not separator or not all(key.split(".")):
            self.fail(f"{value!r}: expected KEY=VALUE, such as processing.ranks=4", param, ctx)
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = text
        return key.split("."), parsed


def read_json(file: str) -> Any:
    """Returns the JSON value in a file.

    Args:
        file: its path, ``-`` for standard input.

    Raises:
        ProjectError: it is not JSON.
    """
    from headrace.project.files import parse_json

    with click.open_file(file, encoding="utf-8") as stream:
        return parse_json(stream.read(), "standard input" if file == "-" else file)


def read_input(file: str | None, settings: Iterable[tuple[list[str], Any]]) -> dict[str, Any]:
    """Returns a flow's input from a file and settings.

    Args:
        file: a JSON file, ``-`` for standard input, None for an empty input.
        settings: parsed ``KEY=VALUE`` settings; later ones win.

    Raises:
        ProjectError: the file is not a JSON object.
        UsageError: a setting goes through a value that is not an object.
    """
    from headrace.project.files import parse_json_object

    body: dict[str, Any] = {}
    if file is not None:
        with click.open_file(file, encoding="utf-8") as stream:
            body = parse_json_object(stream.read(), "standard input" if file == "-" else file)
    for keys, value in settings:
        inner = body
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
            if not isinstance(inner, dict):
                raise click.UsageError(f"--set {'.'.join(keys)}: {key} is not an object")
        inner[keys[-1]] = value
    return body
