"""Hashes of work: equal for equal content and input, whatever the members are called."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from headrace.campaigns import MemberRefused, read_campaign
from headrace.campaigns.campaign_start import take_in
from headrace.campaigns.hashing import CACHE_FILE, DigestCache, WorkHasher
from headrace.campaigns.ledger import CampaignLedger
from headrace.campaigns.ledger.member import NewMember
from headrace.project import Project, load_project

CAMPAIGN = """
[members]
hash = ["here:{path}"]
[start]
flow = "run"
[start.input]
data = { collection = "here", path = "{path}" }
directory = "{attempt_directory}"
endpoint = { endpoint = "{endpoint}" }
t = "{t}"
[lanes.one]
endpoint = "machine"
values = { partition = "gpu" }
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "headrace.toml").write_text(
        '[collections.here]\nroot = "data"\n[endpoints.machine]\n'
    )
    (tmp_path / "flows" / "run").mkdir(parents=True)
    (tmp_path / "campaigns").mkdir()
    set_flow(tmp_path, "A")
    return load_project(tmp_path)


def set_flow(root: Path, state: str) -> None:
    definition = {"StartAt": state, "States": {state: {"Type": "Pass", "End": True}}}
    (root / "flows" / "run" / "definition.json").write_text(json.dumps(definition))


def directory(project: Project, name: str, **files: str) -> str:
    place = project.root / "data" / name
    (place / "in").mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (place / "in" / file).write_text(text)
        os.utime(place / "in" / file, (1e9, 1e9))
    return f"/{name}/"


def hashed(project: Project, key: str, text: str = CAMPAIGN, **row: Any) -> str:
    (project.root / "campaigns" / "c.toml").write_text(text)
    campaign = read_campaign(project.root / "campaigns" / "c.toml")
    with WorkHasher(project, campaign) as hasher:
        return hasher.hash_of(NewMember(key, row))


def test_equal_content_and_input_are_equal_work(project: Project) -> None:
    first, second = directory(project, "a", x="1", y="2"), directory(project, "b", x="1", y="2")
    one = hashed(project, "k1", path=first, t="300")
    assert one.startswith("work:")
    assert hashed(project, "k2", path=second, t="300") == one
    assert hashed(project, "k2", path=second.rstrip("/"), t="300") == one
    lane = CAMPAIGN.replace("[lanes.one]", "[lanes.two]")
    assert hashed(project, "k1", lane, path=first, t="300") == one


def test_other_content_input_or_flow_is_other_work(project: Project) -> None:
    path = directory(project, "a", x="1")
    one = hashed(project, "k", path=path, t="300")
    found = {one, hashed(project, "k", path=path, t="310")}
    found.add(hashed(project, "k", path=directory(project, "b", x="2"), t="300"))
    found.add(hashed(project, "k", path=directory(project, "c", z="1"), t="300"))
    set_flow(project.root, "B")
    found.add(hashed(project, "k", path=path, t="300"))
    assert len(found) == 5


def test_a_file_that_changes_has_another_hash(project: Project) -> None:
    path = directory(project, "a", x="1")
    one = hashed(project, "k", path=path, t="300")
    assert hashed(project, "k", path=path, t="300") == one
    (project.root / "data" / "a" / "in" / "x").write_text("2")
    assert hashed(project, "k", path=path, t="300") != one


def test_a_file_may_be_hashed_alone(project: Project) -> None:
    directory(project, "a", x="1")
    directory(project, "b", x="1")
    one = hashed(project, "k", path="/a/in/x", t="1")
    assert hashed(project, "k", path="/b/in/x", t="1") == one


def test_members_of_equal_work_share_it_when_they_are_taken_in(project: Project) -> None:
    directory(project, "a", x="1")
    directory(project, "b", x="1")
    directory(project, "c", x="2")
    folder = project.root / "campaigns"
    (folder / "t.csv").write_text("name,path,t\nk1,/a/,1\nk2,/b/,1\nk3,/c/,1\nk4,/b/,2\n")
    (folder / "c.toml").write_text(CAMPAIGN.replace("[members]", '[members]\ntable = "t.csv"'))
    campaign = read_campaign(folder / "c.toml")
    with CampaignLedger(project.root / "ledger.db").transaction() as tables:
        added = take_in(tables, project, campaign)
    assert (added.added, added.shared) == (4, ("k2",))


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("here:/none", "cannot be read: No such file"),
        ("ther:/a", "write COLLECTION:PATH, with a collection of headrace.toml"),
        ("here:/../x", "the path must not leave its collection"),
    ],
)
def test_what_cannot_be_hashed_is_refused(project: Project, template: str, message: str) -> None:
    text = CAMPAIGN.replace("here:{path}", template)
    with pytest.raises(MemberRefused, match=message):
        hashed(project, "k", text, path="/a/", t="1")


def test_nothing_is_hashed_where_nothing_is_shared(project: Project) -> None:
    text = CAMPAIGN.replace('hash = ["here:{path}"]', "")
    assert hashed(project, "k", text, path="/none/", t="1") == ""


def test_digests_of_files_are_kept_and_a_broken_cache_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("1")
    os.utime(file, (1e9, 1e9))
    cache = DigestCache(tmp_path / ".headrace" / CACHE_FILE)
    digest = cache.digest(file)
    cache.close()
    # The same size and time, as nothing but a program that hides its work leaves them.
    file.write_text("2")
    os.utime(file, (1e9, 1e9))
    cache = DigestCache(tmp_path / ".headrace" / CACHE_FILE)
    assert cache.digest(file) == digest
    cache.close()
    (tmp_path / ".headrace" / CACHE_FILE).write_text("no database, of some length" * 100)
    cache = DigestCache(tmp_path / ".headrace" / CACHE_FILE)
    assert cache.digest(file) != digest
    cache.close()


def test_a_file_that_was_just_written_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("1")
    cache = DigestCache(tmp_path / CACHE_FILE)
    digest = cache.digest(file)
    status = file.stat()
    file.write_text("2")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert cache.digest(file) != digest
    cache.close()
