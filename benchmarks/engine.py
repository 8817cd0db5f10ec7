"""Transitions of the engine, beside the disk's flushes, moto's interpreter and DBOS on SQLite.

One call measures everything on the same disk, one after the other. moto (Step Functions) keeps its
state in memory and makes nothing durable; DBOS stores each step's result in SQLite; headrace stores
each transition in SQLite with synchronous=FULL. ``sequential`` commits each transition on its own;
``batched`` is what the engine does: up to 100 states that only compute share a commit. The peers
live in environments of their own, made here at the first call.

    python benchmarks/engine.py [--directory DIR] [--environments DIR] [--runs 200]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent / "engine_peers"
PACKAGES = {"moto": ["moto[stepfunctions]==5.2.5", "boto3"], "dbos": ["dbos==3.4.0"]}
SEQUENTIAL = 1000
EACH = 100


def environment(name: str, directory: Path) -> Path:
    """Return the Python of a peer's environment; make it where it is missing."""
    home = directory / name
    python = home / "bin" / "python"
    ready = home / ".ready"
    wanted = "\n".join(PACKAGES[name])
    if not ready.exists() or ready.read_text() != wanted:
        print(f"making the environment of {name} in {home}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES[name]], check=True)
        ready.write_text(wanted)
    return python


def call(python: Path | str, script: str, *arguments: object) -> dict[str, Any]:
    """Run one script and return what it prints."""
    command = [str(python), str(PEERS / script), *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def peer(name: str, environments: Path, *arguments: object) -> dict[str, Any]:
    """Measure a peer; one that cannot be had is told as such."""
    try:
        python = environment(name, environments)
        return {"version": PACKAGES[name][0], **call(python, f"{name}_peer.py", *arguments)}
    except (OSError, subprocess.CalledProcessError) as error:
        return {"version": PACKAGES[name][0], "not_measured": str(error)}


def hello(directory: Path, rounds: int = 7) -> dict[str, float]:
    """Time whole processes that run a flow of one action in a new store."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        script = str(PEERS / "headrace_peer.py")
        subprocess.run([sys.executable, script, str(directory), "hello"], check=True)
        times.append(time.perf_counter() - begun)
    return {"min_s": min(times), "median_s": statistics.median(times)}


def payload() -> str:
    """Return 10 kB of JSON in many small members."""
    items = [{"name": f"file{n:04d}", "size": n, "ok": True} for n in range(205)]
    return json.dumps({"items": items})


# What README quotes: ours and DBOS's, commit for commit. DBOS's step stores a result as an action
# does; a state that only computes has no equal there.
ROWS = (
    ("action", "one action after another", "ms", "less", "sequential_actions", "sequential"),
    ("transitions", "200 runs at once, one state of each in a commit", "/s", "more",
     "concurrent", "concurrent"),
    ("transitions_10kB", "the same with 10 kB of payload", "/s", "more",
     "concurrent_10kB", "concurrent_10kB"),
)  # fmt: skip


def rows(ours: dict[str, Any], dbos: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the table in README."""
    made = []
    for name, words, unit, better, own, other in ROWS:
        member = "ms_each" if unit == "ms" else "transitions_per_second"
        step = {
            "name": "DBOS, SQLite: a step",
            "values": [dbos.get(other, {}).get(member)],
            "settings": "its development database; a commit for each step",
        }
        made.append(
            {
                "id": f"engine_{name}",
                "what": words,
                "unit": unit,
                "ours": [ours[own][member]],
                "better": better,
                "peers": [step] if other in dbos else [],
                "settings": "synchronous=FULL; runs that are ready share a commit",
            }
        )
    return made


def option_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser that knows where stores and the peers' environments are made."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser.add_argument("--directory", type=Path, help="where stores are made; the disk measured")
    parser.add_argument("--environments", type=Path, default=cache / "headrace" / "benchmarks")
    return parser


def main() -> None:
    """Measure and print."""
    parser = option_parser(__doc__)
    parser.add_argument("--runs", type=int, default=200)
    options = parser.parse_args()
    options.environments.mkdir(parents=True, exist_ok=True)
    text = payload()
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        disk = call(sys.executable, "disk.py", directory)
        ours = call(
            sys.executable, "headrace_peer.py", directory, SEQUENTIAL, options.runs, EACH, text
        )
        again = call(sys.executable, "disk.py", directory)
        result = {
            "measured": "transitions between states, synchronous=FULL; whole processes for hello",
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "payload_bytes": len(text),
            "flush": {"before": disk, "after": again},
            "headrace": {**ours, "hello_process": hello(directory)},
            "moto": peer("moto", options.environments, SEQUENTIAL // 3, options.runs, EACH // 10),
            "dbos": peer(
                "dbos", options.environments, directory, SEQUENTIAL, options.runs, EACH // 10, text
            ),
        }
    flush = (disk["median_ms"] + again["median_ms"]) / 2
    result["headrace"]["sequential"]["ms_over_one_flush"] = ours["sequential"]["ms_each"] - flush
    result["rows"] = rows(ours, result["dbos"])
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
