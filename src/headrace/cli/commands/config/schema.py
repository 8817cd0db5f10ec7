"""``headrace config schema``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing.file_kinds import FileKindType
from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace._internal.settings import FileKind


@click.command
@click.argument("file_kind", type=FileKindType(), default="headrace.toml")
@output_options
def schema_command(file_kind: FileKind) -> None:
    """Print the JSON schema of a kind of TOML file, for editors that validate it.

    FILE_KIND is headrace.toml by default; `headrace config keys` lists the kinds that there are.
    """
    document = file_kind.json_schema()
    display(document, lambda: json.dumps(document, indent=2))
