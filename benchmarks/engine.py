"""Transitions of the engine, beside the disk's flushes, moto's interpreter and DBOS.

One call measures everything on the same disk, in turn, round after round. moto (Step Functions)
keeps its state in memory and makes nothing durable; DBOS stores each step's result in SQLite or in
PostgreSQL, where Debian's is installed; headrace stores each transition in SQLite with
synchronous=FULL. ``sequential`` commits each transition on its own;
``batched`` is what the engine does: up to 100 states that only compute share a commit. The peers
live in environments of their own, made here at the first call.

    python benchmarks/engine.py [--directory DIR] [--environments DIR] [--runs 200] [--rounds 3]
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

from engine_peers.postgresql import private_postgresql

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


# What README quotes, action beside step: each stores its result. A state that only computes has no
# equal at DBOS; moto keeps it in memory.
ROWS = (
    ("action", "one action after another, each stored", "ms", "less", "sequential_actions",
     "sequential"),
    ("actions", "200 runs at once, ten actions each", "/s", "more", "concurrent_actions",
     "concurrent"),
    ("actions_10kB", "the same with 10 kB of payload", "/s", "more", "concurrent_actions_10kB",
     "concurrent_10kB"),
    ("states", "200 runs at once, states that only compute, each in a commit", "/s", "more",
     "concurrent", ""),
)  # fmt: skip
SETTINGS = {
    "DBOS, SQLite: a step": "its development database; a commit for each step",
    "DBOS, PostgreSQL: a step": "on a socket, fsync on; a commit for each step",
}


def rows(
    ours: list[dict[str, Any]], peers: dict[str, list[dict[str, Any]]], flushes: list[float]
) -> list[dict[str, Any]]:
    """Return the rows of the table in README; a peer that was not measured is left out."""
    made = []
    for name, words, unit, better, own, other in ROWS:
        member = "ms_each" if unit == "ms" else "transitions_per_second"
        beside = [
            {
                "name": peer_name,
                "values": [answer[other][member] for answer in answers],
                "settings": SETTINGS[peer_name],
            }
            for peer_name, answers in peers.items()
            if other and all(other in answer for answer in answers)
        ]
        if unit == "ms":
            flush = {
                "name": "a flush of the disk",
                "values": flushes,
                "settings": "4 kB, fdatasync",
            }
            beside.append(flush)
        made.append(
            {
                "id": f"engine_{name}",
                "what": words,
                "unit": unit,
                "ours": [answer[own][member] for answer in ours],
                "better": better,
                "peers": beside,
                "settings": "synchronous=FULL; runs that are ready share a commit",
            }
        )
    return made


def option_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser that knows where stores and the peers' environments are made.

    Processes that are started from now on keep compiled modules, as on a user's machine.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser.add_argument("--directory", type=Path, help="where stores are made; the disk measured")
    parser.add_argument("--environments", type=Path, default=cache / "headrace" / "benchmarks")
    return parser


def main() -> None:
    """Measure and print."""
    parser = option_parser(__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    options.environments.mkdir(parents=True, exist_ok=True)
    text = payload()
    sizes = (SEQUENTIAL, options.runs, EACH)
    flushes, ours = list[float](), list[dict[str, Any]]()
    peers: dict[str, list[dict[str, Any]]] = {name: [] for name in SETTINGS}
    with (
        tempfile.TemporaryDirectory(dir=options.directory) as name,
        private_postgresql(options.directory) as postgresql,
    ):
        directory = Path(name)
        for number in range(options.rounds):
            flushes.append(call(sys.executable, "disk.py", directory)["median_ms"])
            waiting = 10_000 if number == 0 else 100
            ours.append(call(sys.executable, "headrace_peer.py", directory, *sizes, text, waiting))
            urls = (f"sqlite:///{directory}/dbos{number}.sqlite", postgresql)
            for peer_name, url in zip(SETTINGS, urls, strict=True):
                steps = (SEQUENTIAL // 5, options.runs, EACH // 10)
                answer = (
                    peer("dbos", options.environments, url, *steps, text)
                    if url
                    else {"not_measured": "there is no PostgreSQL"}
                )
                peers[peer_name].append(answer)
        moto = peer("moto", options.environments, SEQUENTIAL // 3, options.runs, EACH // 10)
        result = {
            "measured": "transitions between states, synchronous=FULL; whole processes for hello",
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "payload_bytes": len(text),
            "flush_ms": flushes,
            "headrace": {"rounds": ours, "hello_process": hello(directory)},
            "moto": moto,
            "dbos": peers,
            "rows": rows(ours, peers, flushes),
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
