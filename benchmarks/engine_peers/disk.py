"""The raw limit: how long the disk takes to make 4 KiB durable. Prints JSON."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path


def main(directory: Path, rounds: int = 400) -> None:
    """Append 4 KiB and flush, again and again."""
    path = directory / "flushes"
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        os.write(handle, b"x" * 4096)
        os.fdatasync(handle) if hasattr(os, "fdatasync") else os.fsync(handle)
        times.append(1e3 * (time.perf_counter() - begun))
    os.close(handle)
    path.unlink()
    times.sort()
    answer = {"median_ms": statistics.median(times), "p90_ms": times[int(0.9 * rounds)]}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
