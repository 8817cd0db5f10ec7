"""``headrace run wait``."""

from __future__ import annotations

import click

from headrace.cli.follow_run import follow_until_end
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options


@click.command
@click.argument("run_id", metavar="RUN", shell_complete=completion.runs)
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Time limit.")
@click.option(
    "--timeout-exit-code",
    type=click.IntRange(0, 99),
    default=1,
    show_default=True,
    help="Exit code when the time limit was exceeded.",
)
@project_options
def wait_command(run_id: str, timeout: float | None, timeout_exit_code: int) -> int:
    """Wait for the end of RUN without showing progress, for scripts.

    The exit code is 0 when it succeeds, 1 when it does not.
    """
    return follow_until_end(run_id, quiet=True, timeout=timeout, timeout_code=timeout_exit_code)
