"""The driver of a project at a real facility: starts by batch, ends, refusals, cancels, reload."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace._internal.heartbeat_files import read_heartbeats
from headrace.campaigns import load_campaign
from headrace.campaigns.campaign_start import start_campaign
from headrace.campaigns.driver.project_driver import ProjectDriver, is_driven
from headrace.campaigns.driver.project_run_service import ProjectRunService
from headrace.campaigns.driver.run_service import RunRequest
from headrace.campaigns.errors import CampaignLedgerBusy
from headrace.campaigns.ledger import CampaignLedger
from headrace.facility import state_directory
from headrace.triggers import Ledger, find_arrival, load_trigger
from headrace.triggers.state_files import ledger_file
from tests.support.campaigns.driven_project import SAY, DrivenProject
from tests.support.triggers.trigger_watch import make_event
from tests.support.waiting import wait_until
from tests.support.watch_project import run

PACKS = """
[members]
table = "words.csv"
[start]
flow = "say"
pack = 7
label = "{campaign} {key}"
tags = ["spoken"]
input = { word = "good", members = "{members}" }
member = { key = "{key}", word = "{word}" }
[after.campaign]
flow = "say"
input = { word = "{members_file}", members = [] }
"""
SINGLE = """
[members]
table = "words.csv"
key = "{name}"
needs = "{after}"
[start]
flow = "say"
input = { word = "{word}", members = ["{attempt_directory}"] }
[results]
facts = "output.Say.facts"
"""
RESTING = """
[members]
table = "words.csv"
[start]
flow = "rest"
input = { name = "{name}" }
"""


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenProject]:
    project = DrivenProject(tmp_path_factory.mktemp("driven") / "project")
    yield project
    project.stop()


def drive(driver: ProjectDriver, *names: str) -> None:
    with driver:
        driver.run(names)


def test_packs_of_members_are_started_by_few_requests_and_end(driven: DrivenProject) -> None:
    driven.begin(PACKS, [{"name": f"m{n:03d}", "word": f"w{n}"} for n in range(100)], "words")
    lines: list[str] = []
    drive(driven.driver(lines.append), "words")
    assert driven.query("SELECT DISTINCT state FROM members") == [("done",)]
    assert set(driven.tags().values()) == {1}
    sizes = driven.query("SELECT size FROM starts WHERE kind = 'member' ORDER BY id")
    assert [size for (size,) in sizes] == [7] * 14 + [2]
    assert driven.query("SELECT DISTINCT state FROM graft_starts") == [("done",)]
    assert "campaign words has ended: 100 done, 0 failed" in lines
    labels = {run["tags"][0] for run in driven.runs()}
    assert "spoken" in labels


def test_arrivals_of_a_trigger_become_members_while_a_driver_runs(driven: DrivenProject) -> None:
    (driven.root / "triggers").mkdir()
    (driven.root / "triggers" / "new_line.toml").write_text(
        '[watch]\ncollection = "workstation"\npath = "/incoming/"\n[start]\nflow = "say"\n'
    )
    (driven.root / "campaigns" / "fed.toml").write_text(
        '[members]\ntrigger = "new_line"\n[start]\nflow = "say"\n'
        'input = { word = "{name}", members = ["{source_path}"] }\n'
    )
    project = driven.project
    trigger = load_trigger(
        project.triggers_dir / "new_line.toml",
        {"workstation": driven.root / "data"},
        must_exist=False,
    )
    path = ledger_file(project, "local")
    arrivals = Ledger(path)

    def arrive(name: str) -> None:
        named = find_arrival(trigger, make_event(trigger.directory / name), path)
        entry = [(named.arrival.path, named.identity)]
        (record,) = arrivals.record_seen(trigger.name, trigger.collection, named.root, entry)
        arrivals.mark_starting(record.id)
        arrivals.mark_started(record.id, f"run of {name}", followed=False)

    with CampaignLedger(driven.ledger_file) as ledger:
        assert start_campaign(project, load_campaign(project, "fed"), ledger, "me").total == 0
    lines: list[str] = []
    driver = driven.driver(lines.append)
    thread = threading.Thread(target=drive, args=(driver,))
    thread.start()
    try:
        done = "SELECT key FROM members WHERE source = 'trigger' AND state = 'done' ORDER BY key"
        arrive("alpha")
        wait_until(lambda: driven.query(done) == [("alpha",)], "the first arrival's run")
        arrive("beta")
        wait_until(lambda: driven.query(done) == [("alpha",), ("beta",)], "the second one's")
    finally:
        driver.stop()
        thread.join()
        arrivals.close()
    assert "fed: trigger new_line has added 1 members" in "\n".join(lines)


def test_facts_needs_and_failures_are_what_the_runs_say(driven: DrivenProject) -> None:
    rows = [
        {"name": "a", "word": "one", "after": ""},
        {"name": "b", "word": "bad", "after": "a"},
        {"name": "c", "word": "three", "after": "a"},
        {"name": "d", "word": "four", "after": "b"},
    ]
    driven.begin(SINGLE, rows, "words_in_order")
    drive(driven.driver(), "words_in_order")
    found = driven.query(
        "SELECT key, state, cause_category, json_extract(facts, '$.said') FROM members "
        "WHERE key IN ('a', 'b', 'c', 'd') ORDER BY key"
    )
    assert found == [
        ("a", "done", "", "one"),
        ("b", "failed", "error of the program", None),
        ("c", "done", "", "three"),
        ("d", "waiting", "", None),
    ]
    ((cause,),) = driven.query("SELECT cause FROM members WHERE key = 'b'")
    assert "a bad word" in cause


def test_dropped_members_runs_are_cancelled_and_one_driver_drives_at_a_time(
    driven: DrivenProject,
) -> None:
    driven.begin(RESTING, [{"name": f"r{n}"} for n in range(3)], "resting")
    driver = driven.driver()
    thread = threading.Thread(target=drive, args=(driver, "resting"))
    thread.start()
    resting = "SELECT count(*) FROM members WHERE state = 'running' AND key LIKE 'r_'"
    wait_until(lambda: driven.query(resting) == [(3,)], "three runs that rest")
    assert is_driven(driven.project, "local")
    with pytest.raises(CampaignLedgerBusy, match="are driven already, by process"):
        driven.driver()
    (heartbeat,) = (
        each
        for each in read_heartbeats(state_directory(driven.root), "local")
        if each.name == "campaigns"
    )
    assert heartbeat.state(heartbeat.unix) == "well"
    _drop(driven)
    thread.join(120)
    assert not thread.is_alive()
    states = driven.query("SELECT status, state FROM starts WHERE flow = 'rest'")
    assert Counter(states) == {("FAILED", "ended"): 3}
    assert driven.query("SELECT DISTINCT state FROM members WHERE key LIKE 'r_'") == [("dropped",)]
    assert not is_driven(driven.project, "local")


def _drop(driven: DrivenProject) -> None:
    from headrace.campaigns.ledger import CampaignLedger

    with CampaignLedger(driven.ledger_file) as ledger, ledger.transaction() as tables:
        tables.database.execute("UPDATE members SET state = 'dropped' WHERE key LIKE 'r_'")


def test_campaign_files_are_read_again_when_asked(driven: DrivenProject, tmp_path: Path) -> None:
    text = RESTING + "[limits]\nopen = 1\n"
    driven.begin(text, [{"name": f"s{n}"} for n in range(4)], "again")
    lines: list[str] = []
    driver = driven.driver(lines.append)
    thread = threading.Thread(target=drive, args=(driver,))
    thread.start()
    running = "SELECT count(*) FROM members WHERE state = 'running' AND key LIKE 's_'"
    wait_until(lambda: driven.query(running) == [(1,)], "one run")
    file = driven.root / "campaigns" / "again.toml"
    text = file.read_text()
    file.write_text(text.replace("open = 1", "open = 'x'"))
    driver.request_reload()
    wait_until(lambda: any("stays as it was" in line for line in lines), "a refusal")
    file.write_text(text.replace("open = 1", "open = 3"))
    driver.request_reload()
    wait_until(lambda: driven.query(running) == [(3,)], "three runs")
    driver.stop()
    thread.join(120)
    assert not thread.is_alive()
    # What is under way goes on without a driver.
    assert driven.query(running) == [(3,)]
    assert any(line == "campaigns: read again: again" for line in lines)


def test_a_run_that_was_started_is_not_refused_when_its_schema_is_stricter_now(
    driven: DrivenProject,
) -> None:
    flow = driven.root / "flows" / "strict"
    flow.mkdir()
    (flow / "definition.json").write_text(json.dumps(SAY))

    def deploy(**rules: Any) -> ProjectRunService:
        word = {"type": "string", **rules}
        schema = {"type": "object", "properties": {"word": word, "members": {}}}
        (flow / "input_schema.json").write_text(json.dumps(schema))
        assert run("deploy", "-C", str(driven.root)).returncode == 0
        project = driven.project
        return ProjectRunService(project, "local", driven.connect, lambda profile: project)

    def request(word: str, *, again: bool = False) -> RunRequest:
        tag, body = f"headrace:c:strict:{word}", {"word": word, "members": []}
        return RunRequest(tag, "strict", body, word, may_be_sent=again)

    (first,) = deploy().start([request("long_word")])
    service = deploy(maxLength=3)
    again, refused = service.start(
        [request("long_word", again=True), request("longer", again=True)]
    )
    assert again == first
    assert "longer" in refused.problem
    assert not refused.run_id
