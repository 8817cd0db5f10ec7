"""``headrace config keys``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from headrace.cli.commands.config._fields import KEY_FIELDS
from headrace.cli.parsing.file_kinds import FileKindType
from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display_table

if TYPE_CHECKING:
    from headrace._internal.settings import FileKind


@click.command
@click.argument("file_kind", type=FileKindType(), required=False)
@output_options
def keys_command(file_kind: FileKind | None) -> None:
    """List the keys that a kind of TOML file may have; those of all kinds by default."""
    from headrace._internal.settings import file_kinds

    kinds = [file_kind] if file_kind is not None else list(file_kinds().values())
    rows = [{"file": kind.name, **asdict(row)} for kind in kinds for row in kind.rows()]
    display_table(rows, KEY_FIELDS, "")
