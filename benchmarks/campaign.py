"""Campaigns: adding members, status, the idle driver, and what a member costs, beside its peers.

Members of the pipeline ``sweep`` run ``true`` at a facility with a local endpoint of two workers,
in packs; the facility, the driver and the endpoint are there already, and everything is durable.
Each round has a staging directory of its own: in one that is there, members that are done with the
same command would not be run again.
FireWorks launches workflows of one ScriptTask from a LaunchPad in memory (mongomock), one after the
other in its own process, and makes nothing durable; Snakemake runs a rule with a shell command for
each, two at once; HyperQueue runs them as tasks of one job, by the server and a worker of two cores
of its Python package; bare Parsl runs them in apps, two workers, each with a directory and files
for its output, and checks or keeps nothing else. All of it in turn, round after round, on one
disk; the peers live in environments of their own, made here at the first call.

    python benchmarks/campaign.py [--directory DIR] [--environments DIR] [--members 5000]
        [--many 100000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
from engine import PACKAGES, environment, option_parser

from headrace.facility import stop_facility

PEERS: Final = Path(__file__).parent / "campaign_peers"
PACKAGES["fireworks"] = ["FireWorks==2.1.4", "mongomock==4.3.0"]
PACKAGES["snakemake"] = ["snakemake==9.27.1"]
PACKAGES["hyperqueue"] = ["hyperqueue==0.27.0", "cloudpickle"]
SLOTS: Final = 2
PACK: Final = 50
# Members of FireWorks' and Snakemake's turns: theirs take longer, and what each costs grows with
# their number.
FEW: Final = 500
ADDED: Final = 2000
IDLE_SECONDS: Final = 10.0

CAMPAIGN: Final = """
[members]
table = "{name}.csv"
key = "{{name}}"

[start]
flow = "sweep"
pack = {pack}

[start.member]
key = "{{key}}"
directory = "{{attempt_directory}}"
command = "true"

[start.input]
members = "{{members}}"
source = {{ collection = "workstation", path = "/inputs/" }}
staging = {{ collection = "workstation", path = "/scratch/{name}/" }}
results = {{ collection = "workstation", path = "/results/{name}/" }}
settings = {{ cores = 1 }}
clean = false

[start.input.compute]
endpoint = {{ endpoint = "{{endpoint}}" }}
options = {{ options_of = "{{endpoint}}" }}
run = {{ function = "sweep_run_members" }}
directory = {{ directory = {{ collection = "workstation", path = "/scratch/{name}/" }} }}
source = {{ directory = {{ collection = "workstation", path = "/inputs/" }} }}
results = {{ directory = {{ collection = "workstation", path = "/results/{name}/" }} }}

[results]
members = "output.Run.members"

[lanes.here]
endpoint = "simulation"
collection = "workstation"
"""
PROJECT: Final = """
[collections.workstation]
root = "data"

[collections.hpc]
root = "scratch"

[endpoints.simulation]
template = "local"
options = {{ workers = {slots}, max_idletime = 600 }}
"""


class Campaigns:
    """A project with the pipeline ``sweep``, its facility and its driver.

    Args:
        root: its directory, which is made.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run("init", str(root), "--for", "sweep", project=False)
        (root / "headrace.toml").write_text(PROJECT.format(slots=SLOTS))
        for name in ("data/inputs", "data/scratch", "campaigns"):
            (root / name).mkdir(parents=True, exist_ok=True)
        self.run("deploy")

    def run(self, *words: str, project: bool = True) -> float:
        """Run a command of headrace; return the seconds of the whole process."""
        where = ["-C", str(self.root)] if project else []
        command = [sys.executable, "-m", "headrace.cli", *words, *where]
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"headrace {' '.join(words)}: {done.stderr or done.stdout}")
        return time.perf_counter() - begun

    def write(self, name: str, members: int) -> None:
        """Write a campaign and its table."""
        rows = [f"m{number:06d},{number * 0.5}" for number in range(members)]
        table = "\n".join(["name,value", *rows]) + "\n"
        (self.root / "campaigns" / f"{name}.csv").write_text(table)
        text = CAMPAIGN.format(name=name, pack=PACK)
        (self.root / "campaigns" / f"{name}.toml").write_text(text)

    @contextmanager
    def driver(self) -> Iterator[psutil.Process]:
        """Run the driver, from the moment at which it drives."""
        command = [sys.executable, str(PEERS / "driver.py"), str(self.root)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        if process.stderr.readline() != "driving\n":
            raise SystemExit(f"the driver: {process.stderr.read()}")
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()

    def wait_until_done(self, name: str, members: int) -> None:
        """Wait until all members of a campaign are done."""
        database = sqlite3.connect(self.root / ".headrace" / "campaigns.local.db", timeout=60)
        counted = (
            "SELECT m.state, count(*) FROM members m JOIN campaigns c ON c.id = m.campaign "
            "WHERE c.name = ? GROUP BY m.state"
        )
        try:
            while (found := dict(database.execute(counted, (name,)))) != {"done": members}:
                if found.get("failed"):
                    raise SystemExit(f"headrace: members failed: {found}")
                # Each look takes a millisecond of the processors that members are run by.
                time.sleep(0.1)
        finally:
            database.close()

    def members(self, name: str, count: int) -> dict[str, float]:
        """Run a campaign while the driver runs; return what a member took."""
        self.write(name, count)
        self.run("campaign", "start", name)
        begun = time.perf_counter()
        self.wait_until_done(name, count)
        return {"ms_each": 1e3 * (time.perf_counter() - begun) / count}


def idle(process: psutil.Process) -> dict[str, float]:
    """Return what a process that does nothing takes of a core, in %, and its memory, in MB."""
    before = sum(process.cpu_times()[:2])
    begun = time.perf_counter()
    time.sleep(IDLE_SECONDS)
    used = sum(process.cpu_times()[:2]) - before
    share = 100 * used / (time.perf_counter() - begun)
    return {"percent": share, "megabytes": process.memory_info().rss / 1e6}


def peer(name: str, python: Path | str, directory: Path, *numbers: int) -> dict[str, Any]:
    """Run a peer in a directory of its own; one that cannot be had, or fails, is told as such.

    The directory is removed at the end of all: ext4 makes files slowly for minutes after many were
    removed, whoever's turn it is.
    """
    path = f"{Path(python).parent}:{os.environ['PATH']}"
    place = tempfile.mkdtemp(dir=directory)
    command = [str(python), str(PEERS / f"{name}_peer.py"), *map(str, numbers)]
    done = subprocess.run(
        command, cwd=place, env={**os.environ, "PATH": path}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"not_measured": (done.stderr.strip().splitlines() or ["no words"])[-1]}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def peers(options: argparse.Namespace, directory: Path) -> dict[str, dict[str, Any]]:
    """Measure all peers once."""
    few = min(FEW, options.members)
    calls = {
        "fireworks": (few, ADDED),
        "snakemake": (few, SLOTS),
        "hyperqueue": (options.members, SLOTS),
    }
    found = {"parsl": peer("parsl", sys.executable, directory, options.members, SLOTS)}
    for name, numbers in calls.items():
        try:
            python = environment(name, options.environments)
        except (OSError, subprocess.CalledProcessError) as error:
            found[name] = {"not_measured": str(error)}
            continue
        found[name] = peer(name, python, directory, *numbers)
    return found


def main() -> None:
    """Measure and print."""
    parser = option_parser(__doc__)
    parser.add_argument("--members", type=int, default=5000, help="of a campaign that is run")
    parser.add_argument("--many", type=int, default=100_000, help="members that are added")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    options.environments.mkdir(parents=True, exist_ok=True)
    ours: dict[str, list[float]] = {name: [] for name in ("add", "status", "bare", "member")}
    beside: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        campaigns = Campaigns(directory / "project")
        try:
            with campaigns.driver():
                campaigns.members("warm", SLOTS * PACK * 2)
                for number in range(options.rounds):
                    found = campaigns.members(f"round{number}", options.members)
                    ours["member"].append(found["ms_each"])
                    for peer_name, answer in peers(options, directory).items():
                        beside.setdefault(peer_name, []).append(answer)
            for number in range(options.rounds):
                campaigns.write(f"many{number}", options.many)
                seconds = campaigns.run("campaign", "start", f"many{number}")
                campaigns.run("campaign", "pause", f"many{number}")
                ours["add"].append(options.many / seconds)
                ours["status"].append(campaigns.run("campaign", "status", f"many{number}"))
                ours["bare"].append(campaigns.run("--version", project=False))
            with campaigns.driver() as process:
                resting = [idle(process) for _ in range(options.rounds)]
        finally:
            stop_facility(campaigns.root)
    print(json.dumps(document(options, ours, beside, resting), indent=1))


PEER_WORDS: Final = {
    "parsl": ("bare Parsl", "HTEX, two workers, an app with a directory and files of its own"),
    "fireworks": ("FireWorks", "rapidfire of ScriptTask, mongomock in memory: nothing durable"),
    "snakemake": ("Snakemake", "--cores 2, the whole program; a rule and a file for each"),
    "hyperqueue": ("HyperQueue", "its Python package: a server and a worker of two cores"),
}


def document(
    options: argparse.Namespace,
    ours: dict[str, list[float]],
    beside: dict[str, list[dict[str, Any]]],
    resting: list[dict[str, float]],
) -> dict[str, Any]:
    """Return what is printed."""

    def values(member: str, only: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        return [
            {
                "name": PEER_WORDS[name][0],
                "values": [answer[member] for answer in answers],
                "settings": PEER_WORDS[name][1],
            }
            for name, answers in beside.items()
            if all(member in answer for answer in answers) and (not only or name in only)
        ]

    many = f"{options.many:,} members"
    rows: list[dict[str, Any]] = [
        {
            "id": "campaign_member",
            "what": "a member of a campaign: `true`, with its record and results",
            "unit": "ms",
            "ours": ours["member"],
            "better": "less",
            "peers": values("ms_each"),
            "settings": f"{options.members:,} members in packs of {PACK}, a local endpoint of two "
            f"workers; FireWorks and Snakemake: {min(FEW, options.members)}",
        },
        {
            "id": "campaign_add",
            "what": f"adding {many} from a table, the whole command",
            "unit": "/s",
            "ours": ours["add"],
            "better": "more",
            "peers": values("added_per_second", ("fireworks",)),
            "settings": f"durable, each row checked; FireWorks: {ADDED:,} workflows in memory",
        },
        {
            "id": "campaign_status",
            "what": f"`headrace campaign status` of {many}, the whole command",
            "unit": "s",
            "ours": ours["status"],
            "better": "less",
            "peers": [
                {
                    "name": "`headrace --version`",
                    "values": ours["bare"],
                    "settings": "what every command takes",
                }
            ],
            "settings": f"{len(ours['status'])} such campaigns in the ledger at the end",
        },
    ]
    for member, unit, what in (
        ("percent", "%", "a core, of the driver that has nothing to do"),
        ("megabytes", "MB", "memory of the driver that has nothing to do"),
    ):
        rows.append(
            {
                "id": f"campaign_idle_{member}",
                "what": what,
                "unit": unit,
                "ours": [one[member] for one in resting],
                "better": "less",
                "peers": [],
                "settings": f"{len(ours['status'])} paused campaigns of {many}; "
                f"{IDLE_SECONDS:.0f} s each",
            }
        )
    return {
        "measured": "campaigns: what a member costs, adding members, status, the idle driver",
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "settings": {"members": options.members, "many": options.many, "rounds": options.rounds},
        "medians": {name: statistics.median(found) for name, found in ours.items()},
        "not_measured": {
            name: [one["not_measured"] for one in answers if "not_measured" in one]
            for name, answers in beside.items()
        },
        "rows": rows,
    }


if __name__ == "__main__":
    main()
