"""``headrace completion``."""

from __future__ import annotations

import click

from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display


@click.command
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@output_options
def completion_command(shell: str) -> None:
    """Print the completion script of a SHELL.

    For bash, add to ~/.bashrc: eval "$(headrace completion bash)"
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    root = click.get_current_context().find_root().command
    script = kind(root, {}, "headrace", "_HEADRACE_COMPLETE").source()
    display({"shell": shell, "script": script}, script)
