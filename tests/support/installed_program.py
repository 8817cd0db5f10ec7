"""The program ``headrace`` in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any


def headrace(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headrace.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
