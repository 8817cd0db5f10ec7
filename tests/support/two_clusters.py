"""A project over two Slurm clusters and a workstation, and the campaigns that it drives."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from tests.support.compute_user import User
from tests.support.slurm_cluster import SlurmCluster
from tests.support.waiting import wait_until

LOGIN = """
workers = 8
worker_init = "export SLURM_CONF={conf} SLURM_EXPORT_ENV=ALL"
"""
PROJECT = """
[collections.workstation]
root = "data"
[collections.east]
root = "east"
[collections.west]
root = "west"
[endpoints.east]
template = "slurm-login"
[endpoints.east.options]
{east}
[endpoints.west]
template = "slurm-login"
[endpoints.west.options]
{west}
[endpoints.desk]
template = "local"
[endpoints.desk.options]
workers = 2
"""
# Begins and ends are noted where all three machines can write; the result is the same everywhere.
CAMPAIGN = """
[members]
table = "members.csv"
key = "{{name}}"
category = "{{category}}"
priority = "{{priority}}"

[start]
flow = "sweep"
licences = {{ solver = 1 }}
tags = ["clusters"]

[start.member]
key = "{{key}}"
directory = "{{attempt_directory}}"
command = '''
echo "begin {{key}} {{lane}} $(date +%s.%N)" >> {journal}
seq 1 {{last}} | awk '{{{{ sum += $1 * $1 }}}} END {{{{ print sum }}}}' > result.txt
sleep {pause}
echo "end {{key}} {{lane}} $(date +%s.%N)" >> {journal}
printf '{{{{"squares": %s}}}}\\n' "$(cat result.txt)"
'''
outputs = ["result.txt"]
walltime = "00:10:00"

[start.input]
members = "{{members}}"
source = {{ collection = "workstation", path = "/inputs/" }}
staging = {{ collection = "{{lane_collection}}", path = "/sweep/{{campaign}}/" }}
results = {{ collection = "workstation", path = "/results/{{campaign}}/" }}
settings = {{ attempts = 1 }}
clean = true

[start.input.compute]
endpoint = {{ endpoint = "{{endpoint}}" }}
options = {{ options_of = "{{endpoint}}" }}
run = {{ function = "sweep_run_members" }}
[start.input.compute.directory.directory]
collection = "{{lane_collection}}"
path = "/sweep/{{campaign}}/"

[results]
members = "output.Run.members"

[limits]
licences = {{ solver = {licences} }}

[retries]
backoff = "1 s"
"""
LANES = """
[lanes.east]
endpoint = "east"
collection = "east"
open = 2
takes = ["big", "small"]
[lanes.west]
endpoint = "west"
collection = "west"
open = 2
takes = ["big", "small"]
lost_after = "5 s"
[lanes.desk]
endpoint = "desk"
collection = "workstation"
open = 2
takes = ["small"]
"""
CALM = """
[lanes.desk]
endpoint = "desk"
collection = "workstation"
"""


class ClustersUser(User):
    """A user of two clusters: `east` is served by the facility, `west` is a real endpoint."""

    def begin_project(self, east: SlurmCluster, west: SlurmCluster) -> None:
        """Make the project, start its facility and the endpoint of the second cluster."""
        self.run("headrace", "init", "project", "--for", "sweep")
        options = [LOGIN.format(conf=cluster.conf) for cluster in (east, west)]
        (self.root / "headrace.toml").write_text(
            PROJECT.format(east=options[0], west=options[1]), encoding="utf-8"
        )
        for name in ("data/inputs", "east", "west"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.headrace("facility", "up", "--compute")
        self.headrace("deploy")
        self.headrace("endpoint", "create", "west")
        # The broker of the Compute service needs its time to start where much else runs.
        start = ("headrace", "endpoint", "start", "west")
        wait_until(lambda: self.run(*start, code=None).returncode == 0, "the endpoint", 300.0)

    @property
    def journal(self) -> Path:
        """Where members note their begins and ends."""
        return self.home / "journal.txt"

    def write_campaign(self, name: str, lanes: str, rows: list[str], **more: Any) -> None:
        """Write a campaign file and its table."""
        text = CAMPAIGN.format(journal=self.journal, **{"pause": 0.3, "licences": 5, **more})
        folder = self.root / "campaigns"
        folder.mkdir(exist_ok=True)
        text = text.replace("members.csv", f"{name}.csv")
        (folder / f"{name}.toml").write_text(text + lanes, encoding="utf-8")
        header = "name,category,priority,last"
        (folder / f"{name}.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")

    def kill_endpoint(self, name: str) -> None:
        """Kill the processes of a real endpoint, as when the machine that they run on goes down."""
        mark = str(self.endpoint_home() / name)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("HEADRACE_ENDPOINT") == mark:
                    process.kill()

    def query(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the ledger of campaigns."""
        path = self.root / ".headrace" / "campaigns.local.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return [tuple(row) for row in database.execute(question, values)]

    def running_at(self, lane: str) -> list[str]:
        """The members that have begun in a lane, and not ended."""
        if not self.journal.exists():
            return []
        lines = [line.split() for line in self.journal.read_text(encoding="utf-8").splitlines()]
        ended = {key for what, key, where, _ in lines if what == "end" and where == lane}
        return [
            key
            for what, key, where, _ in lines
            if what == "begin" and where == lane and key not in ended
        ]

    def lanes(self) -> dict[str, int]:
        """How many legs were accepted of each lane."""
        rows = self.query(
            "SELECT starts.lane, count(*) FROM attempts JOIN starts ON starts.id = attempts.start"
            " WHERE accepted GROUP BY starts.lane"
        )
        return dict(rows)

    def results(self, campaign: str) -> dict[str, str]:
        """The digests of the accepted results of a campaign's members."""
        rows = self.query(
            "SELECT key, accepted_directory FROM members WHERE campaign = "
            "(SELECT id FROM campaigns WHERE name = ?)",
            campaign,
        )
        folder = self.root / "data" / "results" / campaign
        return {
            key: hashlib.sha256((folder / directory / "result.txt").read_bytes()).hexdigest()
            for key, directory in rows
        }

    def facts(self, campaign: str) -> dict[str, Any]:
        """What the members of a campaign told."""
        rows = self.query(
            "SELECT key, facts FROM members WHERE campaign = "
            "(SELECT id FROM campaigns WHERE name = ?)",
            campaign,
        )
        return {key: json.loads(facts) for key, facts in rows}

    def intervals(self) -> Iterator[tuple[str, str, float, float]]:
        """Member, lane, begin and end of each attempt that ended by itself."""
        begun: dict[tuple[str, str], float] = {}
        for line in self.journal.read_text(encoding="utf-8").splitlines():
            what, key, lane, moment = line.split()
            if what == "begin":
                begun[key, lane] = float(moment)
            else:
                yield key, lane, begun.pop((key, lane)), float(moment)


def most_at_once(intervals: list[tuple[str, str, float, float]]) -> int:
    """Return how many intervals overlap at most."""
    moments = [(begin, 1) for _, _, begin, _ in intervals]
    moments += [(end, -1) for *_, end in intervals]
    count = most = 0
    for _, step in sorted(moments):
        count += step
        most = max(most, count)
    return most
