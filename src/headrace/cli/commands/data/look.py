"""``headrace data look``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.commands.data._fields import RECORD_FIELDS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import columns_of

if TYPE_CHECKING:
    from headrace.seismic.config import ProcessingConfig


_SETTINGS = Path("job_scripts/adjoint_sources.toml")


@click.command
@click.argument("seismograms", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "-s",
    "--synthetic",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Computed seismograms where they are not beside the observed ones; with one directory "
    "for each event where there are several.",
)
@click.option(
    "-c",
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Processing configuration; job_scripts/adjoint_sources.toml of the project by default.",
)
@project_options
def look_command(seismograms: Path, synthetic: Path | None, config: Path | None) -> int:
    """Show the seismograms in DIR, how a run would process them, and all problems.

    DIR is an event with obs and syn, observed seismograms alone, or a directory of several of
    these. The exit code is 0 if a run would succeed, and 1 if a decision is needed.
    """
    from headrace.cli.commands.data._inspection import look_at, require_seismic
    from headrace.cli.commands.data._text import look_text

    require_seismic()
    session = current()
    file = config or _settings()
    found = look_at(seismograms, synthetic, _read(file), file)
    if session.format == "unix" and session.jmespath is None:
        display(found.rows(), "", columns_of(RECORD_FIELDS))
    else:
        display(found.document(), lambda: look_text(found))
    return 0 if found.sound else 1


def _settings() -> Path | None:
    """Return the configuration of the project; None outside of one."""
    from headrace.errors import HeadraceError

    session = current()
    try:
        file = session.root() / _SETTINGS
    except HeadraceError:
        if session.directory is not None:
            raise
        return None
    return file if file.is_file() else None


def _read(file: Path | None) -> ProcessingConfig | None:
    from headrace.seismic.config_file import read_config

    return None if file is None else read_config(file)
