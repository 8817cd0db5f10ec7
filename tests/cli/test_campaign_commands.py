"""``headrace campaign``: a campaign is made, started, seen and steered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.campaigns.ledger.member import NewMember
from headrace.config.lock_file import Lock
from headrace.project import load_project
from tests.support.campaign_project import CampaignHistory, write_campaign_project
from tests.support.command_line import Run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_campaign_project(tmp_path).root


@pytest.fixture
def history(root: Path) -> CampaignHistory:
    """A campaign of 20 members, of which 8 are done and 3 have failed."""
    from headrace.project import load_project

    history = CampaignHistory(load_project(root))
    history.add(
        NewMember(f"r{n:03d}", {"name": f"r{n:03d}", "n": n}, group=f"g{n % 2}") for n in range(20)
    )
    for n in range(8):
        history.pass_time(minutes=1)
        history.done([f"r{n:03d}"], rms=n / 10)
    history.failed(["r008", "r009", "r010"], "segmentation fault", host="c7")
    return history


def document_of(run: Run, *arguments: str, code: int = 0) -> Any:
    done = run(*arguments, "-F", "json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_a_campaign_is_started_and_takes_in_new_rows(run: Run, root: Path) -> None:
    first = document_of(run, "campaign", "start", "napa", "--no-driver")
    assert first == {"name": "napa", "state": "started", "members": 4, "added": 4}
    table = root / "campaigns" / "napa.csv"
    table.write_text(table.read_text() + "r005,wild\n")
    assert document_of(run, "campaign", "start", "napa", "--no-driver")["added"] == 1
    (root / "more.csv").write_text("name,protein\nr006,wild\nr005,wild\n")
    more = document_of(run, "campaign", "add", "napa", "--table", "more.csv", "--priority", "5")
    assert (more["added"], more["unchanged"]) == (1, 0)
    assert document_of(run, "campaign", "show", "napa", "r006")["priority"] == 5.0


def test_a_campaign_whose_flow_is_not_deployed_is_not_started(run: Run, root: Path) -> None:
    load_project(root).write_lock(Lock())
    for verb in ("start", "run"):
        refused = run("campaign", verb, "napa")
        assert refused.exit_code == 1
        assert "flow 'say' is not deployed at local: run `headrace deploy`" in refused.output
        assert "Nothing was started" in refused.output
    assert run("campaign", "status", "napa").exit_code == 1, "it was not taken in either"


def test_rows_that_cannot_be_used_have_a_line_each(run: Run, root: Path) -> None:
    table = root / "campaigns" / "napa.csv"
    table.write_text(table.read_text() + "r 9,wild\nr001,wild\n")
    refused = run("campaign", "start", "napa")
    assert refused.exit_code == 1
    first, second = refused.stderr.splitlines()
    assert first.startswith(f"error: {table}: line 6: key 'r 9' has ' '")
    assert second.startswith(f"error: {table}: line 7: key 'r001' is that of line 2, too")


def test_it_is_said_where_nothing_is_left_and_where_nothing_runs(
    run: Run, root: Path, history: CampaignHistory
) -> None:
    hint = "nothing runs them yet: `headrace campaign start napa`\n"
    assert run("campaign", "retry", "napa", "r008").stderr == hint
    assert run("campaign", "pause", "napa").stderr == ""
    assert run("campaign", "resume", "napa").stderr == hint
    assert run("campaign", "priority", "napa", "r011", "--to", "2").stderr == ""
    for state in ("ready", "waiting"):
        run("campaign", "drop", "napa", "--state", state, "--yes")
    (root / "campaigns" / "napa.csv").write_text("name,protein\n")
    said = run("campaign", "start", "napa", "--no-driver").stdout
    assert said.splitlines()[-1].startswith("Nothing is left to start: 2 failed; ")


def test_status_shows_bars_lanes_and_what_waits(run: Run, history: CampaignHistory) -> None:
    text = run("campaign", "status", "napa").stdout
    assert text.startswith("napa: NapA, replicas  (started)\n")
    assert "  done    8  " in text
    assert " 40.0 %" in text
    assert "frontera-1 8" in text
    assert "3 failed; `headrace campaign why napa`" in text
    document = document_of(run, "campaign", "status", "napa")
    assert (document["total"], document["counts"]["done"], document["done"]) == (20, 8, 8)
    groups = document_of(run, "campaign", "status", "napa", "--by", "group")
    assert [group["group"] for group in groups] == ["g0", "g1"]
    assert "g0" in run("campaign", "status", "napa", "--by", "group").stdout
    everything = run("campaign", "status").stdout.splitlines()
    assert everything[1].split()[:3] == ["napa", "started", "20"]
    assert run("campaign", "status", "-F", "unix").stdout.startswith("napa\tstarted\t20\t8\t0\t9")


def test_members_are_listed_with_columns_pages_and_counts(
    run: Run, history: CampaignHistory
) -> None:
    lines = run("campaign", "list", "napa", "--state", "failed").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["member", "r008", "r009", "r010"]
    assert "segmentation fault" in lines[1]
    columns = ("--columns", "key,rms,n", "-F", "unix")
    listed = run("campaign", "list", "napa", "--where", "rms > 0.5", *columns).stdout
    assert listed == "r006\t0.6\t6\nr007\t0.7\t7\n"
    paged = document_of(run, "campaign", "list", "napa", "-n", "3", "--page", "2")
    assert [row["key"] for row in paged] == ["r003", "r004", "r005"]
    assert (
        "14 more members: --page 3"
        in run("campaign", "list", "napa", "-n", "3", "--page", "2").stderr
    )
    counted = document_of(run, "campaign", "list", "napa", "--group", "g0", "--count")
    assert counted == {"members": 10, "done": 4, "failed": 2, "ready": 4}
    wrong = run("campaign", "list", "napa", "--columns", "nothing")
    assert wrong.exit_code == 2
    assert "no column or fact 'nothing'; there are key, state" in wrong.output


def test_causes_are_grouped_and_their_command_works(run: Run, history: CampaignHistory) -> None:
    [cluster] = document_of(run, "campaign", "why", "napa")
    assert (cluster["count"], cluster["cause"]) == (3, "segmentation fault")
    assert "3 x segmentation fault" in run("campaign", "why", "napa").stdout
    import shlex

    command = shlex.split(cluster["command"])[1:]
    assert document_of(run, *command)["changed"] == ["r008", "r009", "r010"]
    assert document_of(run, "campaign", "why", "napa") == []
    assert run("campaign", "why", "napa", "r001").stdout == (
        "No member that was chosen has failed.\n"
    )


def test_members_are_held_released_dropped_moved_and_undone(
    run: Run, history: CampaignHistory
) -> None:
    held = document_of(run, "campaign", "hold", "napa", "r011", "r012", "r000", "--reason", "beam")
    assert held["changed"] == ["r011", "r012"]
    assert held["left"] == {"is done": ["r000"]}
    assert document_of(run, "campaign", "show", "napa", "r011")["cause"] == "beam"
    assert document_of(run, "campaign", "release", "napa", "--group", "g1")["changed"] == ["r011"]
    assert document_of(run, "campaign", "undo", "napa")["changed"] == ["r011"]
    dropped = document_of(run, "campaign", "drop", "napa", "r019")
    assert dropped["changed"] == ["r019"]
    assert document_of(run, "campaign", "retry", "napa", "r019")["changed"] == ["r019"]
    assert document_of(run, "campaign", "move", "napa", "r013", "--to", "desk")["changed"] == [
        "r013"
    ]
    assert document_of(run, "campaign", "move", "napa", "r013", "--to", "any")["changed"] == [
        "r013"
    ]
    assert document_of(run, "campaign", "priority", "napa", "r014", "--to", "9")["changed"] == [
        "r014"
    ]
    again = document_of(run, "campaign", "retry", "napa", "r000", "--from", "run")
    assert again["changed"] == ["r000"]
    nothing = document_of(run, "campaign", "hold", "napa", "--group", "none*")
    assert nothing["count"] == 0
    assert run("campaign", "release", "napa", "r001", "-F", "json").exit_code == 1


def test_more_than_ten_members_are_asked_for(run: Run, history: CampaignHistory) -> None:
    asked = run("campaign", "hold", "napa", "*")
    assert asked.exit_code == 2
    message = str(asked.output)
    assert "Hold 20 members (9 ready, 8 done, 3 failed)? Nobody can be asked here" in message
    assert document_of(run, "campaign", "hold", "napa", "*", "--yes")["count"] == 9


def test_a_selection_that_says_nothing_chooses_nothing(run: Run, history: CampaignHistory) -> None:
    assert "no member is given" in run("campaign", "drop", "napa").output
    assert "its value is blank" in run("campaign", "drop", "napa", "--group", "").output
    assert "did you mean 'r019'" in run("campaign", "drop", "napa", "r0199").output


def test_campaigns_pause_and_lanes_drain(run: Run, history: CampaignHistory) -> None:
    assert document_of(run, "campaign", "pause", "napa", "--reason", "dinner")["changed"] is True
    assert "it is paused: dinner" in run("campaign", "status", "napa").stdout
    assert document_of(run, "campaign", "pause", "napa")["changed"] is False
    assert document_of(run, "campaign", "resume", "napa")["changed"] is True
    assert (
        document_of(run, "campaign", "drain", "napa", "desk", "--reason", "repair")["changed"]
        is True
    )
    assert "lane desk is drained" in run("campaign", "status", "napa").stdout
    assert document_of(run, "campaign", "undrain", "napa", "desk")["changed"] is True
    assert run("campaign", "limit", "napa", "desk", "5").stdout == (
        "Lane desk has 5 at most under way.\n"
    )
    assert document_of(run, "campaign", "limit", "napa", "desk")["changed"] is True
    assert "did you mean 'desk'" in run("campaign", "drain", "napa", "dsk").output
    undone = run("campaign", "undo", "napa")
    assert undone.stdout == "The limit desk of campaign napa is undone.\n"


def test_the_table_is_written_or_printed(run: Run, history: CampaignHistory, root: Path) -> None:
    printed = run("campaign", "table", "napa", "--state", "done").stdout.splitlines()
    assert printed[0].startswith("key,state,group")
    assert len(printed) == 9
    written = document_of(run, "campaign", "table", "napa", "-o", "t.json")
    assert written == {"file": "t.json", "members": 20}
    assert len(json.loads((root / "t.json").read_text())) == 20
    report = document_of(run, "campaign", "report", "napa")
    assert report["file"] == str(root / "data/campaigns/napa/report.html")
    assert "8 of 20 members are done" in Path(report["file"]).read_text()
    # No driver has run: links, table and log are brought up to date as well.
    assert (root / "data/campaigns/napa/table.csv").read_text().count("\n") == 21
    assert (root / "data/campaigns/napa/campaign.jsonl").is_file()


def test_directories_are_added_and_get_their_results(run: Run, root: Path, tmp_path: Path) -> None:
    (root / "campaigns" / "ert.toml").write_text(
        '[members.directories]\ncollection = "here"\npath = "/sims/"\nfind = ["input.dat"]\n'
        '[start]\nflow = "say"\n[start.input]\nword = "{name}"\n'
        '[results]\ndirectory = "here:/back/{key}/"\n'
    )
    home = tmp_path / "home" / "td1"
    home.mkdir(parents=True)
    (home / "input.dat").write_text("1\n")
    [added] = document_of(run, "campaign", "add", "ert", str(home.parent))
    assert (added["outcome"], added["member"]) == ("added", "td1")
    again = run("campaign", "add", "ert", str(home))
    assert again.stdout.splitlines()[-1] == "1 there already"
    assert again.stderr == "nothing runs them yet: `headrace campaign start ert`\n"
    from headrace.project import load_project

    history = CampaignHistory(load_project(root), "ert")
    (root / "data" / "back" / "td1").mkdir(parents=True)
    (root / "data" / "back" / "td1" / "result.dat").write_text("2\n")
    history.done(["td1"], "default")
    [found] = document_of(run, "campaign", "get", "ert")
    assert (found["outcome"], found["files"]) == ("fetched", 1)
    assert (home / "result.dat").read_text() == "2\n"
    (root / "data" / "back" / "td1" / "input.dat").write_text("3\n")
    (home / "input.dat").write_text("mine, later\n")
    import os

    os.utime(home / "input.dat", (4e9, 4e9))
    assert "1 files there are newer" in run("campaign", "get", "ert", "td1").stdout
    forced = document_of(run, "campaign", "get", "ert", "--force")
    assert forced[0]["outcome"] == "fetched"
    to = document_of(run, "campaign", "get", "ert", "td1", "--to", str(tmp_path / "out"))
    assert to[0]["directory"] == str(tmp_path / "out" / "td1")
    nothing = run("campaign", "add", "ert", str(tmp_path / "out"))
    assert (nothing.exit_code, nothing.stdout.startswith("directory")) == (0, True)
    refused = run("campaign", "add", "napa", str(home))
    assert "write [members.directories]" in refused.output


def test_a_campaign_is_made(run: Run, root: Path) -> None:
    made = document_of(run, "campaign", "init", "words", "--flow", "say")
    assert made == {
        "name": "words",
        "flow": "say",
        "files": ["campaigns/words.toml", "campaigns/words.csv"],
        "missing": [],
    }
    assert "is there already" in run("campaign", "init", "words", "--flow", "say").output
    wrong = run("campaign", "init", "other", "--example", "sweep", "--flow", "say")
    assert wrong.exit_code == 2
    copied = run("campaign", "init", "springs", "--example", "sweep")
    assert "still missing" in copied.stdout


def test_what_attempts_have_left_is_removed_after_all_is_done(
    run: Run, history: CampaignHistory, root: Path, service: Any
) -> None:
    base = root / "data" / "campaigns" / "napa"
    for name in ("r008/run-001.1", "r008/run-001.2"):
        (base / name).mkdir(parents=True)
        (base / name / "out").write_text("x" * 10)
    document_of(run, "campaign", "retry", "napa", "r008")
    history.done(["r008"])
    seen = document_of(run, "campaign", "clean", "napa", "--attempts", "--dry-run")
    assert [(row["kind"], row["path"]) for row in seen] == [
        ("attempt", str(base / "r008/run-001.1"))
    ]
    assert (base / "r008/run-001.1").is_dir()
    assert document_of(run, "campaign", "clean", "napa", "--attempts", "--older", "30d") == []
    removed = document_of(run, "campaign", "clean", "napa", "--attempts", "--orphans", "--yes")
    assert [row["removed"] for row in removed] == [True]
    assert sorted(path.name for path in (base / "r008").iterdir()) == ["run-001.2"]
