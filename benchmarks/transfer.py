"""MB/s and files/s of a transfer, beside rsync, rclone and cp with the same flushes, in one call.

Every tool copies the same source into an empty directory on the same disk, tools in turn, and in
another order in every round. A transfer flushes each file, reads every copy again to compare
checksums, and only then names it. ``rsync --checksum --fsync`` flushes each file, and compares the
checksum of what it sent with that of what it received, not with what the disk has; ``rclone``
compares checksums afterwards, ``cp`` compares nothing: both are followed by a flush of the file
system, and the time of that counts. The limits stand beside them: reading, writing and flushing
each file in one loop without a checksum, through the page cache and, for large files, past it
(``O_DIRECT``), which is what the disk takes. Before each copy the disk rests: one that takes short
bursts faster than it writes on would favour whoever comes after a rest.

    python benchmarks/transfer.py [--directory DIR] [--megabytes 200 2000] [--files 2000]
        [--rounds 5] [--large-rounds 3] [--rest 1] [--large-rest 3]

rsync 3.2.4 or later and rclone must be installed to be measured.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import mmap
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from headrace.facility.transfer import Collection, transfer

Copy = Callable[[Path, Path], None]

FILE_SIZE = 10_000
MIB = 1 << 20
DIRECT_CHUNK = 8 * MIB
# From this size on, files are measured in fewer rounds.
LARGE = 1000 * 10**6
FLUSHED = "sync -f of the file system afterwards, in the time"
LOOP, DIRECT = "bare loop: read, write, fsync", "bare loop: read, O_DIRECT write, fsync"
SETTINGS = {
    LOOP: "the limit: no checksum, 1 MiB at a time, each file flushed",
    DIRECT: "what the disk takes: no checksum, 8 MiB at a time, the file flushed",
    "rsync -a --checksum --fsync": "each file flushed; one process each to send and to receive",
    "rclone copy --checksum; sync -f": f"its default of 4 transfers at a time; {FLUSHED}",
    "cp -r; sync -f": f"nothing compared; {FLUSHED}",
}


def transferred(algorithm: str | None = None, **options: Any) -> Copy:
    """Make a copying function of a transfer with some options."""

    def copy(source: Path, destination: Path) -> None:
        collections = {
            "s": Collection("s", "source", source),
            "d": Collection("d", "destination", destination.parent),
        }
        item = {
            "source_path": "/",
            "destination_path": destination.name,
            "recursive": True,
            "checksum_algorithm": algorithm,
        }
        body = {"source_endpoint": "s", "destination_endpoint": "d", "DATA": [item], **options}
        transfer(body, collections, str(uuid.uuid4()), lambda _: None, lambda: False)

    return copy


def run(command: list[str], suffix: str = "/.", *, flush: bool) -> Copy:
    """Make a copying function of a program."""

    def copy(source: Path, destination: Path) -> None:
        subprocess.run([*command, f"{source}{suffix}", str(destination)], check=True)
        if flush:
            subprocess.run(["sync", "-f", str(destination)], check=True)

    return copy


def copy_in_loop(source: Path, destination: Path, chunk: int = MIB, flags: int = 0) -> None:
    """Read, write and flush each file in one loop; with ``O_DIRECT`` all but the last bytes."""
    # Of its own pages: O_DIRECT asks for an address that is a multiple of the sector's.
    buffer = memoryview(mmap.mmap(-1, chunk))
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        copy = destination / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        reading = os.open(path, os.O_RDONLY)
        writing = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags)
        while count := os.readv(reading, [buffer]):
            if count < chunk and flags:
                fcntl.fcntl(writing, fcntl.F_SETFL, fcntl.fcntl(writing, fcntl.F_GETFL) & ~flags)
            os.write(writing, buffer[:count])
        os.fsync(writing)
        os.close(reading)
        os.close(writing)


def tools(size: int, directory: Path) -> dict[str, Copy]:
    """Return what is compared for files of a size in a directory, by name."""
    found = {
        "headrace": transferred(),
        "headrace, SHA256": transferred("SHA256"),
        "headrace without verify_checksum": transferred(verify_checksum=False),
        "cp -r; sync -f": run(["cp", "-r"], flush=True),
        LOOP: copy_in_loop,
    }
    if size >= 10 * DIRECT_CHUNK and takes_direct_writes(directory):
        found[DIRECT] = partial(copy_in_loop, chunk=DIRECT_CHUNK, flags=os.O_DIRECT)
    if shutil.which("rsync"):
        rsync = run(["rsync", "-a", "--checksum", "--fsync"], flush=False)
        found["rsync -a --checksum --fsync"] = rsync
    if shutil.which("rclone"):
        rclone = run(["rclone", "copy", "--checksum", "--config", ""], "", flush=True)
        found["rclone copy --checksum; sync -f"] = rclone
    return found


def takes_direct_writes(directory: Path) -> bool:
    """Tell whether the file system of a directory has ``O_DIRECT``."""
    probe = directory / "probe"
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_DIRECT))
    except (AttributeError, OSError):
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


def fill(source: Path, files: int, size: int) -> None:
    """Write ``files`` files of ``size`` bytes, at most 100 in a directory."""
    for number in range(files):
        directory = source / f"{number // 100:04d}"
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / f"{number:06d}.dat").open("wb") as file:
            for start in range(0, size, 10**6):
                file.write(os.urandom(min(10**6, size - start)))


def measure(work: Path, files: int, size: int, rounds: int, rest: float) -> dict[str, list[float]]:
    """Return the seconds that every tool took in each round."""
    source = work / "source"
    fill(source, files, size)
    copies = tools(size, work)
    names = list(copies)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            destination = work / "destination"
            destination.mkdir()
            os.sync()
            time.sleep(rest)
            began = time.perf_counter()
            copies[name](source, destination)
            seconds[name].append(time.perf_counter() - began)
            copied = [path.stat().st_size for path in destination.rglob("*") if path.is_file()]
            if copied != [size] * files:
                raise RuntimeError(f"{name} copied {len(copied)} of {files} files, or parts")
            shutil.rmtree(destination)
    shutil.rmtree(source)
    return seconds


def row(
    key: str,
    what: str,
    unit: str,
    amount: float,
    ours: str,
    seconds: dict[str, list[float]],
) -> dict[str, Any]:
    """Return a row of the table of figures, with ``amount`` a second."""

    def rates(name: str) -> list[float]:
        return [round(amount / taken, 1) for taken in seconds[name]]

    return {
        "id": key,
        "what": what,
        "unit": unit,
        "ours": rates(ours),
        "better": "more",
        "peers": [
            {"name": name, "values": rates(name), "settings": settings}
            for name, settings in SETTINGS.items()
            if name in seconds
        ],
        "settings": "checksums compared, each file flushed before it has its name, source cached",
    }


def medians(seconds: dict[str, list[float]], files: int, size: int) -> dict[str, Any]:
    """Return the median of every tool."""
    found = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {
        name: {
            "seconds": round(taken, 3),
            "MB/s": round(files * size / taken / 1e6, 1),
            "files/s": round(files / taken),
        }
        for name, taken in found.items()
    }


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--directory", type=Path, help="where to work; default: the temporary one")
    parser.add_argument("--megabytes", type=int, nargs="*", default=[200, 2000])
    parser.add_argument("--files", type=int, default=2000, help="files of 10 kB; 0: none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large-rounds", type=int, default=3, help="for 1000 MB and more")
    parser.add_argument("--rest", type=float, default=1, help="seconds before each copy")
    parser.add_argument("--large-rest", type=float, default=3, help="for 1000 MB and more")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    printed: dict[str, Any] = {
        "measured": "copying into an empty directory on the same disk, cache warm; medians",
    }
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        work = Path(directory)
        for megabytes in options.megabytes:
            size = megabytes * 10**6
            large = size >= LARGE
            rounds = options.large_rounds if large else options.rounds
            rest = options.large_rest if large else options.rest
            seconds = measure(work, 1, size, rounds, rest)
            printed[f"one file of {megabytes} MB"] = medians(seconds, 1, size)
            key, what = f"transfer_{megabytes}_mb", f"transfer of a file of {megabytes} MB"
            rows.append(row(key, what, "MB/s", megabytes, "headrace", seconds))
            sha = f"{what}, SHA-256"
            rows.append(row(f"{key}_sha256", sha, "MB/s", megabytes, "headrace, SHA256", seconds))
        if options.files:
            seconds = measure(work, options.files, FILE_SIZE, options.rounds, options.rest)
            printed[f"{options.files} files of 10 kB"] = medians(seconds, options.files, FILE_SIZE)
            what = f"transfer of {options.files:,} files of 10 kB"
            rows.append(row("transfer_files", what, "/s", options.files, "headrace", seconds))
    json.dump({**printed, "rows": rows}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
