"""Ways in which arrivals are written, by the tools that people use."""

from __future__ import annotations

import random
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Way = Callable[[Path, Path], Any]


def run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True)


def unpack(source: Path, target: Path) -> None:
    """Have tar write the directory."""
    target.mkdir()
    with subprocess.Popen(["tar", "-cf", "-", "-C", source, "."], stdout=subprocess.PIPE) as pack:
        subprocess.run(["tar", "-xf", "-", "-C", target], stdin=pack.stdout, check=True)
    assert pack.returncode == 0


def write_slowly(source: Path, target: Path) -> None:
    """Leave files open between two writes, and pause."""
    pause = threading.Event()
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        data = file.read_bytes()
        with copy.open("wb", buffering=0) as stream:
            for start in range(0, len(data), max(1, len(data) // 3)):
                pause.wait(random.uniform(0.0, 0.05))
                stream.write(data[start : start + max(1, len(data) // 3)])


WAYS: dict[str, Way] = {
    "cp": lambda source, target: run("cp", "-r", source, target),
    "mv": lambda source, target: run("mv", source, target),
    "tar": unpack,
    "slow": write_slowly,
}
if shutil.which("rsync"):
    WAYS["rsync"] = lambda source, target: run("rsync", "-a", f"{source}/", f"{target}/")
    WAYS["inplace"] = lambda source, target: run(
        "rsync", "-a", "--inplace", f"{source}/", f"{target}/"
    )
