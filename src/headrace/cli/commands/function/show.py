"""``headrace function show``."""

from __future__ import annotations

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, record


@click.command
@click.argument("name", metavar="FUNCTION", shell_complete=completion.functions)
@project_options
def show_command(name: str) -> None:
    """Show the signature, description and deployed source of FUNCTION."""
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
