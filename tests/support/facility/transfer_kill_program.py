"""Kills a transfer before its n-th system call, for every n, then lets it run again.

Run as a program, in a process of its own; prints how many places it killed at, and what went wrong.
Every attempt is a fork of this process, which has one thread and everything imported.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import uuid
from pathlib import Path

from headrace.facility.transfer import Collection, flushed_parts, transfer

CALLS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.utime", "os.chmod"}
TASK = str(uuid.UUID(int=7))


def snapshot(root: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for directory, directories, files in os.walk(root):
        for name in directories:
            found[str(Path(directory, name).relative_to(root))] = "dir"
        for name in files:
            path = Path(directory, name)
            status = path.stat()
            found[str(path.relative_to(root))] = (path.read_bytes(), status.st_mtime_ns)
    return found


def attempt(base: Path, options: dict[str, object], kill_at: int | None) -> dict[str, object]:
    countdown = kill_at or 0

    def count() -> None:
        nonlocal countdown
        countdown -= 1
        if countdown == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def should_stop() -> bool:
        count()
        return False

    def hook(event: str, _: object) -> None:
        if event in CALLS:
            count()

    if kill_at is not None:
        sys.addaudithook(hook)
    collections = {
        "src": Collection("src", "workstation", base / "source"),
        "dst": Collection("dst", "hpc", base / "destination"),
    }
    body = {"source_endpoint": "src", "destination_endpoint": "dst", **options}
    return transfer(body, collections, TASK, lambda _: None, should_stop)


def killed(base: Path, options: dict[str, object], kill_at: int) -> bool:
    """Runs an attempt in a fork; tells whether it was killed."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            attempt(base, options, kill_at)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return True
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"the attempt before call {kill_at} failed")
    return False


def prepare(base: Path, before: Path) -> None:
    shutil.rmtree(base / "destination", ignore_errors=True)
    shutil.copytree(before, base / "destination")


def main(base: Path, options: dict[str, object], second: int) -> None:
    """Compares every killed and repeated transfer with one that was not killed.

    Args:
        base: has source/ and before/, which the destination is a copy of each time.
        options: of the transfer; besides ``in_parts``: flush files from 1 MiB on in parts of that.
        second: also kill the second attempt, at this call; 0: let it end.
    """
    before = base / "before"
    if options.pop("in_parts", False):
        flushed_parts._LARGE, flushed_parts._PART = 1 << 20, 1 << 20
    prepare(base, before)
    plain = attempt(base, options, None)
    expected = snapshot(base / "destination")
    wrong: list[str] = []
    half_seen: set[str] = set()
    places = 0
    finished = {name: value for name, value in expected.items() if value != "dir"}
    while True:
        prepare(base, before)
        if not killed(base, options, places + 1):
            break
        places += 1
        old = snapshot(before)
        for name, value in snapshot(base / "destination").items():
            known = (finished.get(name), old.get(name), expected.get(name))
            if not Path(name).name.startswith(".headrace-") and value not in known:
                half_seen.add(name)
        if second:
            killed(base, options, second)
        document = attempt(base, options, None)
        found = snapshot(base / "destination")
        if found != expected:
            names = {n for n in found.keys() | expected.keys() if found.get(n) != expected.get(n)}
            wrong.append(f"killed before call {places}: differs in {sorted(names)}")
        for member in ("files", "files_transferred", "bytes_transferred", "directories"):
            if document[member] != plain[member]:
                wrong.append(f"killed before call {places}: {member} is {document[member]}")
    print(json.dumps({"places": places, "wrong": wrong[:10], "half_seen": sorted(half_seen)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3]))
