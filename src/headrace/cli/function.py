"""``headrace function``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli import completing
from headrace.cli.help import group
from headrace.cli.options import current, project_options
from headrace.cli.parsing import KeyValue, read_input
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, record, table

_FIELDS = (
    Field("function", lambda function: function["name"]),
    Field("state", lambda function: function["state"]),
    Field("description", lambda function: function["description"]),
    Field("id", lambda function: function["id"]),
    Field("problem", lambda function: function["problem"], optional=True),
)


@group()
def function() -> None:
    """Compute functions: list, look, try."""


@function.command(name="list")
@project_options
def list_() -> None:
    """List the project's compute functions, and whether they are deployed."""
    from headrace.deploy.inventory import function_inventory

    session = current()
    functions = function_inventory(session.project(), session.place)
    display(
        functions,
        lambda: table(functions, _FIELDS, "The project has no functions."),
        ("name", "state", "id"),
    )


@function.command
@click.argument("name", metavar="FUNCTION", shell_complete=completing.functions)
@project_options
def show(name: str) -> None:
    """Show what FUNCTION does and takes, and what of it travels."""
    from headrace.deploy.inventory import function_document

    session = current()
    document = function_document(session.project(), session.place, name)
    fields = [
        Field("Function", lambda _: document["signature"]),
        Field("State", lambda _: document["state"]),
        Field("Id", lambda _: document["id"]),
        Field(
            "Travels", lambda _: f"{document['bytes']:,} bytes, sha256 {document['sha256'][:12]}"
        ),
        Field("Source", lambda _: document["path"]),
    ]
    display(
        document,
        lambda: f"{record(document, fields)}\n\n{document['description']}",
        ("name", "state", "id"),
    )


@function.command
@click.argument("name", metavar="FUNCTION", shell_complete=completing.functions)
@click.option(
    "-e",
    "--endpoint",
    required=True,
    shell_complete=completing.endpoints,
    help="Name of the endpoint that runs it.",
)
@click.option("-k", "--kwargs", "file", metavar="FILE", help="JSON file with its arguments; -.")
@click.option(
    "-s", "--set", "settings", type=KeyValue(), multiple=True, help="One argument; may be repeated."
)
@click.option(
    "--wait-time",
    type=click.IntRange(1),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long it may take, with the time in queues.",
)
@project_options
def run(
    name: str, endpoint: str, file: str | None, settings: tuple[Any, ...], wait_time: int
) -> None:
    """Call FUNCTION once at an endpoint, and print what it returns.

    Names may stand in the arguments as in a flow's input, such as {"directory": {...}}.
    """
    import json

    from headrace.deploy.inventory import function_arguments
    from headrace.runs.invoke import call_function

    session = current()
    project = session.project()
    kwargs = read_input(file, settings, function_arguments(project, name))
    services = session.services(project, start=True)
    result = call_function(
        project, session.place, services, name, endpoint, kwargs, wait_time=wait_time
    )
    display(result, lambda: json.dumps(result, indent=1, ensure_ascii=False), ())
