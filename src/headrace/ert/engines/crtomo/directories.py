"""Directories in CRTomo's layout, and what each still needs.

The rule is that of cr_hydra and of crtomo_tools' ``td_run_all_local``: a directory without data
that has a configuration needs a modelling; one with data, or that can be modelled, and without a
finished inversion needs an inversion.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headrace.ert.engine import INVERSION, MODELLING, MODELLING_AND_INVERSION

FINISHED: Final = "***finished***"
"""What the last line of ``inv/inv.ctr`` begins with at the end of an inversion."""

DATA: Final = "mod/volt.dat"
CONFIGURATION: Final = "config/config.dat"
CONTROL: Final = "inv/inv.ctr"
_GRID: Final = ("grid/elem.dat", "grid/elec.dat")
_FOR_MODELLING: Final = (*_GRID, CONFIGURATION, "rho/rho.dat", "exe/crmod.cfg")
_FOR_INVERSION: Final = (*_GRID, "exe/crtomo.cfg")


def needed_work(directory: Path) -> str:
    """Return what a directory needs.

    Args:
        directory: the directory.

    Returns:
        ``modelling``, ``inversion``, ``modelling and inversion``, or nothing.
    """
    has_data = (directory / DATA).is_file()
    modelling = not has_data and _has(directory, _FOR_MODELLING)
    inversion = (has_data or modelling) and _has(directory, _FOR_INVERSION)
    if inversion and not is_finished(directory):
        return MODELLING_AND_INVERSION if modelling else INVERSION
    return MODELLING if modelling else ""


def is_finished(directory: Path) -> bool:
    """Return whether an inversion wrote all of its control file."""
    try:
        with (directory / CONTROL).open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 4096))
            end = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return False
    lines = end.rstrip().splitlines()
    return bool(lines) and lines[-1].strip().startswith(FINISHED)


def _has(directory: Path, names: tuple[str, ...]) -> bool:
    return all((directory / name).is_file() for name in names)
