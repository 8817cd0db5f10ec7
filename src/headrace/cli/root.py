"""The root of the command tree; commands are imported when they are called."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from headrace import __version__
from headrace._internal.loopback import bypass_proxies
from headrace.cli.entry_points import find_entry_points, load_command
from headrace.cli.groups import Group, import_command
from headrace.cli.parsing.options import project_options
from headrace.cli.termio.errors import exit_code_of, open_standard_streams, show_threads_and_logs
from headrace.cli.termio.signals import end_on_signals

if TYPE_CHECKING:
    from headrace._internal.entry_points import EntryPoint

COMMANDS = (
    "init",
    "deploy",
    "start",
    "doctor",
    "watch",
    "status",
    "web",
    "gc",
    "run",
    "campaign",
    "web-input",
    "pipeline",
    "flow",
    "function",
    "endpoint",
    "trigger",
    "facility",
    "service",
    "notify",
    "config",
    "login",
    "logout",
    "whoami",
    "completion",
)


class Root(Group):
    """Imports a command's module when the command is called, and ends every error in one line.

    Beside :data:`COMMANDS` there are those of the entry points ``headrace.commands``.
    """

    @cached_property
    def _entry_points(self) -> dict[str, EntryPoint]:
        found = find_entry_points()
        return {name: entry for name, entry in found.items() if name not in COMMANDS}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they are used."""
        return [*COMMANDS, *self._entry_points]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, its module imported."""
        if cmd_name in COMMANDS:
            return import_command("headrace.cli.commands", cmd_name)
        entry = self._entry_points.get(cmd_name)
        return None if entry is None else load_command(entry)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, those of entry points apart."""
        self.format_section(ctx, formatter, "Commands", COMMANDS)
        self.format_section(ctx, formatter, "Commands of pipelines", self._entry_points)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and, in standalone mode, end the process with its exit code."""

        def run() -> Any:
            return Group.main(
                self,
                args,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )

        if not standalone_mode:
            return run()
        raise SystemExit(exit_code_of(run))


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(
    __version__, "-V", "--version", prog_name="headrace", help="Show the version."
)
@project_options
def headrace() -> None:
    """Run science workflows on HPC systems with Globus flows, locally or hosted.

    Deploys, starts and monitors the flows, functions and triggers of the project in this directory,
    on this machine or at the hosted Globus services. Begin with `headrace init`.
    """


# Imports make thousands of objects that stay: looking for garbage after every 700 takes a tenth of
# a short command's time.
_OBJECTS_BETWEEN_COLLECTIONS = 10_000


def main() -> None:
    """Run the command line of this process."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    open_standard_streams()
    end_on_signals()
    bypass_proxies()
    headrace.prepare_process = show_threads_and_logs
    try:
        headrace.main(prog_name="headrace")
    finally:
        # The process ends: looking through all that was imported for garbage frees nothing.
        gc.freeze()
