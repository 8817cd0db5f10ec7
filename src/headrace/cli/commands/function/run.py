"""``headrace function run``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.inputs import input_options, read_input
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@click.argument("name", metavar="FUNCTION", shell_complete=completion.functions)
@click.option(
    "-e",
    "--endpoint",
    required=True,
    shell_complete=completion.endpoints,
    help="Name of the endpoint that runs it.",
)
@input_options(
    "JSON file with its arguments; - for standard input.",
    "Set one argument; may be repeated.",
    file_flags=("-k", "--kwargs"),
)
@click.option(
    "--wait-time",
    type=click.IntRange(1),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="Time limit, with the time in queues.",
)
@project_options
def run_command(
    name: str, endpoint: str, file: str | None, settings: tuple[Any, ...], wait_time: int
) -> None:
    """Call FUNCTION once at an endpoint, and print what it returns.

    The arguments may contain names as a flow's input does, such as {"directory": {...}}.
    """
    import json

    from headrace.deploy.inventory import function_arguments
    from headrace.runs.invoke import call_function

    session = current()
    project = session.project()
    kwargs = read_input(file, settings, function_arguments(project, name))
    services = session.services(project, start=True)
    result = call_function(
        project, session.target, services, name, endpoint, kwargs, wait_time=wait_time
    )
    display(result, lambda: json.dumps(result, indent=1, ensure_ascii=False), ())
