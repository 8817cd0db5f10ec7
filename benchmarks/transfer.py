"""MB/s and files/s of a transfer, beside `cp -r` and `rsync -a --checksum`, in one call.

Every tool copies the same source into an empty directory on the same disk. A transfer flushes each
file and reads every copy again to compare checksums; `cp` and `rsync` do neither, so each is also
measured with a `sync` of the file system after it. Medians of several rounds, tools in turn.

    python benchmarks/transfer.py [--directory DIR] [--rounds 3] [--megabytes 256] [--files 2000]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace.facility.transfer import Collection, transfer

Copy = Callable[[Path, Path], None]


def transferred(**options: Any) -> Copy:
    """Make a copying function of a transfer with some options."""

    def copy(source: Path, destination: Path) -> None:
        collections = {
            "s": Collection("s", "source", source),
            "d": Collection("d", "destination", destination.parent),
        }
        item = {"source_path": "/", "destination_path": destination.name, "recursive": True}
        body = {"source_endpoint": "s", "destination_endpoint": "d", "DATA": [item], **options}
        transfer(body, collections, str(uuid.uuid4()), lambda _: None, lambda: False)

    return copy


def run(command: list[str], *, flush: bool) -> Copy:
    """Make a copying function of a program."""

    def copy(source: Path, destination: Path) -> None:
        subprocess.run([*command, f"{source}/.", str(destination)], check=True)
        if flush:
            subprocess.run(["sync", "-f", str(destination)], check=True)

    return copy


def tools() -> dict[str, Copy]:
    """Return what is compared, by name."""
    found = {
        "headrace": transferred(),
        "headrace without verify_checksum": transferred(verify_checksum=False),
        "cp -r": run(["cp", "-r"], flush=False),
        "cp -r; sync -f": run(["cp", "-r"], flush=True),
    }
    if shutil.which("rsync"):
        rsync = ["rsync", "-a", "--checksum"]
        found["rsync -a --checksum"] = run(rsync, flush=False)
        found["rsync -a --checksum; sync -f"] = run(rsync, flush=True)
    return found


def fill(source: Path, files: int, size: int) -> None:
    """Write ``files`` files of ``size`` bytes, at most 100 in a directory."""
    for number in range(files):
        directory = source / f"{number // 100:04d}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{number:06d}.dat").write_bytes(os.urandom(size))


def measure(work: Path, files: int, size: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return seconds, MB/s and files/s of every tool; medians."""
    source = work / "source"
    fill(source, files, size)
    seconds: dict[str, list[float]] = {name: [] for name in tools()}
    for _ in range(rounds):
        for name, copy in tools().items():
            destination = work / "destination"
            destination.mkdir()
            os.sync()
            began = time.perf_counter()
            copy(source, destination)
            seconds[name].append(time.perf_counter() - began)
            copied = sum(1 for path in destination.rglob("*") if path.is_file())
            if copied != files:
                raise RuntimeError(f"{name} copied {copied} of {files} files")
            shutil.rmtree(destination)
    shutil.rmtree(source)
    return {
        name: {
            "seconds": round(statistics.median(taken), 3),
            "MB/s": round(files * size / statistics.median(taken) / 1e6, 1),
            "files/s": round(files / statistics.median(taken)),
        }
        for name, taken in seconds.items()
    }


def main() -> None:
    """Measure, and prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, help="where to work; default: the temporary one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=256, help="size of the one large file")
    parser.add_argument("--files", type=int, default=2000, help="number of small files, 10 kB each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        work = Path(directory)
        large = measure(work, 1, options.megabytes * 10**6, options.rounds)
        small = measure(work, options.files, 10_000, options.rounds)
    json.dump(
        {
            "measured": "copying into an empty directory on the same disk, cache warm; medians",
            "rounds": options.rounds,
            f"one file of {options.megabytes} MB": large,
            f"{options.files} files of 10 kB": small,
        },
        sys.stdout,
        indent=2,
    )
    print()


if __name__ == "__main__":
    main()
