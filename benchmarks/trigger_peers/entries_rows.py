"""Rows about directories with very many files."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .rows import row
from .watching import OURS


def entries_rows(rounds: int, files: int, directory: str | None) -> list[dict[str, Any]]:
    """Measure a directory with very many files, each an arrival."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for existing in ("run", "skip"):
            command = [sys.executable, "-m", "trigger_peers.entries", str(files), existing]
            answer = subprocess.run(
                [*command, directory or tempfile.gettempdir()],
                check=True,
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parent.parent,
            )
            for key, value in json.loads(answer.stdout).items():
                found.setdefault(f"{existing}_{key}", []).append(value)
    names = {
        "run_first_run_s": ("first run on a directory", "s"),
        "skip_first_watch_s": ("first watch of a directory whose files are skipped", "s"),
        "run_scan_s": ("one scan of a directory", "s"),
        "skip_idle_round_s": ("a round of 1 s in which nothing came", "s"),
        "skip_round_s": ("a round of 1 s in which a file came", "s"),
        "run_MB": ("memory at the first run on a directory", "MB"),
        "skip_MB": ("memory of a watch", "MB"),
    }
    return [
        row(f"entries_{key}", f"{what}, {files:,} files", unit, {OURS: found[key]}, "of a process")
        for key, (what, unit) in names.items()
    ]
