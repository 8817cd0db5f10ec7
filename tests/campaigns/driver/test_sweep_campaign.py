"""A campaign whose runs take one member each: failures are its own, and it adds others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.campaigns import load_campaign
from headrace.campaigns.campaign_access import change_campaign_ledger, open_campaign
from headrace.campaigns.campaign_start import start_campaign
from headrace.campaigns.driver.project_driver import ProjectDriver
from headrace.campaigns.result_table import result_rows
from headrace.facility import stop_facility
from headrace.project import load_project
from tests.support.sweep_project import SweepProject

COMMAND = r"""
[ {leaves} = yes ] || exit 3
child='{{"name": "child", "children": 0, "leaves": "yes"}}'
[ {children} = 0 ] || echo "{{\"members\": [$child]}}" > next.json
echo '{{"children": {children}}}' | tee out.json
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[SweepProject]:
    project = SweepProject(tmp_path / "project")
    yield project
    stop_facility(project.root)


def test_one_member_a_run(project: SweepProject) -> None:
    file = project.root / "campaigns" / "sweep.toml"
    text = file.read_text()
    head, _, rest = text.partition("command = '''")
    text = head.replace("pack = 10 ", "pack = 1 ") + "command = '''" + COMMAND + "'''"
    text += rest.partition("'''")[2].replace("trajectory.txt", "out.json")
    file.write_text(text + "[limits]\nadded_members = 5\n[retries]\nattempts = 1\n")
    rows = "name,children,leaves\nparent,1,yes\nplain,0,yes\nbad,0,no\n"
    file.with_suffix(".csv").write_text(rows)
    found = load_project(project.root)
    with change_campaign_ledger(found, "local") as ledger:
        start_campaign(found, load_campaign(found, "sweep"), ledger, "test")
    lines: list[str] = []
    with ProjectDriver(found, "local", lambda: project.services, lines.append) as driver:
        driver.run(["sweep"])
    with open_campaign(found, "local", "sweep") as opened:
        members = {row["key"]: row for row in result_rows(opened.database, opened.id)}
    assert {key: one["state"] for key, one in members.items()} == {
        "parent": "done",
        "plain": "done",
        "bad": "failed",
        "child": "done",
    }, lines
    assert members["bad"]["cause_category"] == "error of the program"
    assert members["bad"]["cause"].startswith("failed with code 3")
    assert members["child"]["facts.children"] == 0
    assert (project.root / "data/results/sweep/child/run-001.1/out.json").is_file()
