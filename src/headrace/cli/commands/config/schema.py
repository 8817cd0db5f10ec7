"""``headrace config schema``."""

from __future__ import annotations

import json

import click

from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display


@click.command
@output_options
def schema_command() -> None:
    """Print the JSON schema of headrace.toml, for editors that validate it."""
    from headrace.config.project_config import HEADRACE_TOML

    document = HEADRACE_TOML.json_schema()
    display(document, lambda: json.dumps(document, indent=2))
