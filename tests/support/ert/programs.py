"""CRTomo and CRMod for tests: a stand-in, and the real programs where they are named."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

STAND_IN = Path(__file__).with_name("crtomo_stand_in.py")
VARIABLE = "HEADRACE_CRTOMO"
"""Names a directory with the real programs, ``CRTomo`` and ``CRMod``."""


def stand_ins(directory: Path) -> dict[str, str]:
    """Make the stand-ins in a directory, and return the settings that name them."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("CRTomo", "CRMod"):
        program = directory / name
        program.write_text(
            STAND_IN.read_text().replace("#!/usr/bin/env python3", f"#!{sys.executable}", 1)
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"crtomo": str(directory / "CRTomo"), "crmod": str(directory / "CRMod")}


def real_programs() -> dict[str, str]:
    """Return the settings that name the real programs, or skip the test."""
    place = os.environ.get(VARIABLE, "")
    if not place:
        pytest.skip(f"the real CRTomo and CRMod: set {VARIABLE} to their directory")
    return {"crtomo": str(Path(place, "CRTomo")), "crmod": str(Path(place, "CRMod"))}
