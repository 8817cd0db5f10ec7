"""``headrace function show``."""

from __future__ import annotations

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, record


@click.command
@click.argument("name", metavar="FUNCTION", shell_complete=completion.functions)
@click.option("--source", is_flag=True, help="Print the source text that is stored there.")
@project_options
def show_command(name: str, source: bool) -> None:
    """Show the signature and description of FUNCTION, or the source text that is registered."""
    from headrace.deploy.inventory import function_document, registered_source

    session = current()
    project = session.project()
    if source:
        services = session.services(project, start=True)
        stored = registered_source(project, session.target, services, name)
        display(stored, stored["source"].removesuffix("\n"), ("name", "state", "id"))
        return
    document = function_document(project, session.target, name)
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
