"""Arguments that need more than a type: inputs, settings, runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from headrace.runs.input_values import Setting

F = TypeVar("F", bound=Callable[..., Any])


class KeyValue(click.ParamType):
    """``key=value``: a dotted key, and a value that is JSON or else text."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the setting."""
        from headrace.runs.input_values import InvalidSetting, read_setting

        try:
            return read_setting(str(value))
        except InvalidSetting as error:
            self.fail(str(error).removeprefix("--set "), param, ctx)


def input_options(
    file_help: str, set_help: str, *, file_flags: tuple[str, str] = ("-i", "--input")
) -> Callable[[F], F]:
    """Return a decorator with the options of a JSON file and of members set over it.

    Args:
        file_help: help of the file's option.
        set_help: help of ``--set``.
        file_flags: the file's option, short and long.
    """

    def decorate(function: F) -> F:
        settings = click.option(
            "-s", "--set", "settings", type=KeyValue(), multiple=True, help=set_help
        )
        file = click.option(*file_flags, "file", metavar="FILE", help=file_help)
        return file(settings(function))

    return decorate


def read_json(file: str) -> Any:
    """Return the JSON value in a file.

    Args:
        file: its path, ``-`` for standard input.

    Raises:
        ProjectError: it is not JSON.
    """
    from headrace.config.text_files import parse_json

    with click.open_file(file, "rb") as stream:
        return parse_json(stream.read(), "standard input" if file == "-" else file)


def read_input(
    file: str | None, settings: Iterable[Setting], schema: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a flow's input from a file and settings.

    Args:
        file: a JSON file, ``-`` for standard input, None for an empty input.
        settings: settings; later ones win.
        schema: the JSON schema of the input, which says what is a number and what is text.

    Raises:
        ProjectError: the file is not a JSON object, or a setting goes through a value that is not
            an object.
    """
    from headrace.config.text_files import parse_json_object
    from headrace.runs.input_values import with_settings

    body: dict[str, Any] = {}
    if file is not None:
        with click.open_file(file, "rb") as stream:
            body = parse_json_object(stream.read(), "standard input" if file == "-" else file)
    return with_settings(body, settings, schema)
