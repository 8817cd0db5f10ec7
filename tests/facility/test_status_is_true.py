"""What `headrace facility status` says while something is wrong with store, disk or owner."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from headrace.facility import (
    FacilityError,
    Settings,
    facility_status,
    find_address,
    running_root,
    start_facility,
    state_directory,
    stop_facility,
)
from headrace.facility.address import read_address, write_address
from headrace.facility.settings import check_owner
from headrace.hosted import services_at
from tests.support.installed_program import headrace
from tests.support.waiting import wait_until

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
REST = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Wait", "Seconds": 3, "Next": "B"},
        "B": {"Type": "Pass", "End": True},
    },
}


def state(facility: Any) -> Path:
    return state_directory(facility.root)


def log(facility: Any) -> str:
    return (state(facility) / "facility.log").read_text()


def ended(facility: Any) -> bool:
    try:
        process = psutil.Process(facility.address.pid)
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_well_facility_says_so(facility) -> None:
    status = facility_status(facility.root)
    assert status is not None
    assert status["well"]
    assert (status["problems"], status["notices"], status["parked_runs"]) == ([], [], 0)


def test_a_damaged_page_ends_the_process_with_one_line(facility, start: Callable[[], Any]) -> None:
    flow = facility.deploy(REST)
    for _ in range(200):
        facility.start(flow, {"text": "x" * 500})
    store = state(facility) / "facility.db"
    with closing(sqlite3.connect(store)) as db:
        wait_until(
            lambda: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0,
            "a moment without a writer, so that the page is not written anew from the log",
        )
        page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()[0]
    with store.open("r+b") as stream:
        stream.seek((page - 1) * 4096)
        stream.write(os.urandom(4096))
    wait_until(lambda: ended(facility), "the end of the process", 120)
    [line] = [line for line in log(facility).splitlines() if line.startswith("headrace facility:")]
    assert "is damaged" in line
    assert "headrace facility check" in line
    assert facility_status(facility.root) is None
    with pytest.raises(FacilityError, match=r"is damaged.*headrace facility check --export"):
        start()


def test_a_store_that_was_replaced_ends_the_process(facility) -> None:
    store = state(facility) / "facility.db"
    other = store.with_name("other.db")
    with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(other)) as target:
        source.backup(target)
    other.replace(store)
    facility_status(facility.root)
    wait_until(lambda: ended(facility), "the end of the process", 120)
    assert "was removed or replaced under the running facility" in log(facility)


def test_a_project_that_was_copied_leaves_the_facility_of_the_other_alone(
    facility, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    (facility.root / "headrace.toml").write_text("")
    shutil.copytree(facility.root, copy, symlinks=True)
    for command in ("status", "down", "up"):
        done = headrace("facility", command, "-C", str(copy))
        assert done.returncode != 0, command
        (line,) = done.stderr.splitlines()
        assert f"a copy of the state of {facility.root}, whose facility is running" in line
    assert facility_status(facility.root)["well"]
    shutil.rmtree(state_directory(copy))
    try:
        started = headrace("facility", "up", "-C", str(copy))
        assert started.returncode == 0, started.stderr
        assert find_address(copy).url != find_address(facility.root).url
    finally:
        stop_facility(copy)
    assert facility_status(facility.root)["well"]


def test_a_project_that_is_reached_by_a_link_is_the_same(facility, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(facility.root)
    assert find_address(link) == find_address(facility.root)


def test_a_log_that_was_removed_loses_nothing(facility, start: Callable[[], Any]) -> None:
    run = facility.run(PASS, {"n": 1})
    (state(facility) / "facility.db-wal").unlink()
    facility_status(facility.root)
    wait_until(lambda: ended(facility), "the end of the process", 120)
    assert "facility.db-wal was removed" in log(facility)
    again = start()
    assert again.services.flows.get_run(run["run_id"])["status"] == "SUCCEEDED"


def test_a_store_that_is_away_is_told_of_until_it_is_back(facility) -> None:
    flow = facility.deploy(PASS)
    store = state(facility) / "facility.db"
    store.rename(store.with_name("elsewhere.db"))
    status = facility_status(facility.root)
    assert not status["well"]
    assert "is not there any more" in str(status["problems"])
    with pytest.raises(Exception, match="INSUFFICIENT_STORAGE"):
        facility.start(flow, {})
    store.with_name("elsewhere.db").rename(store)
    assert facility_status(facility.root)["well"]
    assert facility.wait(facility.start(flow, {}))["status"] == "SUCCEEDED"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Any]:
    """A facility whose state lies on a disk of its own, which can be filled."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no tmpfs may be mounted here")
    root = disk / "project"
    root.mkdir()
    try:
        address = start_facility(root, Settings())
        yield root, services_at(address.url, address.token)
        stop_facility(root)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(directory: Path) -> Path:
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space"):
        write_on(stream)
    return filler


def write_on(stream: Any) -> None:
    while True:
        stream.write(b"x" * 4096)


def test_a_full_disk_is_told_of_and_work_goes_on_when_there_is_room(small: Any) -> None:
    root, services = small
    flow = str(services.flows.create_flow("t", REST, {})["id"])
    run = str(services.flow(flow).run_flow({})["run_id"])
    filler = fill(root)
    status = facility_status(root)
    assert status["answers"]
    assert not status["well"]
    assert "No space left on device" in str(status["problems"])
    done = headrace("facility", "status", "-C", str(root))
    assert done.returncode == 1, done.stdout + done.stderr
    login = {
        "client_id": str(uuid.uuid4()),
        "response_type": "code",
        "redirect_uri": "http://localhost:8000/",
        "scope": "openid",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    address = find_address(root)
    request = urllib.request.Request(
        f"{address.url}/v2/oauth2/authorize?{urllib.parse.urlencode(login)}",
        headers={"Authorization": f"Bearer {address.token}"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    told = refused.value.read().decode()
    assert (refused.value.code, "free space" in told) == (507, True), told
    filler.unlink()
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["code"]
    wait_until(lambda: facility_status(root)["well"], "all well again", 120)
    wait_until(
        lambda: services.flows.get_run(run)["status"] == "SUCCEEDED", "the end of the run", 120
    )


def test_it_is_stopped_though_its_disk_is_away(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no tmpfs may be mounted here")
    root = disk / "project"
    root.mkdir()
    (root / "headrace.toml").write_text("[project]\n")
    try:
        address = start_facility(root, Settings())
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    assert not root.exists()
    assert running_root(root) == root
    done = headrace("facility", "status", "-C", str(root))
    assert done.returncode == 1
    done = headrace("facility", "down", "-C", str(root))
    assert (done.returncode, done.stdout) == (0, "Stopped.\n"), done.stderr
    assert psutil.Process(address.pid).status() == psutil.STATUS_ZOMBIE


def test_a_process_that_was_stopped_says_nothing_and_can_be_ended(facility) -> None:
    os.kill(facility.address.pid, signal.SIGSTOP)
    status = facility_status(facility.root)
    assert (status["answers"], status["well"]) == (False, False)
    assert "does not answer" in status["problems"][0]
    assert stop_facility(facility.root)
    assert ended(facility)


def test_a_facility_of_another_machine_is_named_and_never_taken_for_dead(
    facility, start: Callable[[], Any]
) -> None:
    mine = read_address(facility.root)
    write_address(facility.root, replace(mine, host="login03", pid=2**22 - 1))
    with pytest.raises(FacilityError, match=r"runs on login03 .*--take-over"):
        find_address(facility.root)
    with pytest.raises(FacilityError, match="runs on login03"):
        start()
    write_address(facility.root, mine)


def test_a_facility_of_another_machine_that_is_gone_is_taken_over(facility) -> None:
    mine = read_address(facility.root)
    stop_facility(facility.root)
    write_address(facility.root, replace(mine, host="login03"))
    # The lock of a local disk says that nobody works on the store.
    again = start_facility(facility.root, facility.settings)
    assert again.on_this_host
    stop_facility(facility.root)
    write_address(facility.root, replace(mine, host="login03"))
    assert start_facility(facility.root, facility.settings, take_over=True).on_this_host


def test_an_address_that_is_none_is_written_anew(facility, start: Callable[[], Any]) -> None:
    path = state(facility) / "facility.json"
    path.write_text("{")
    with pytest.raises(FacilityError, match="headrace facility down"):
        find_address(facility.root)
    assert not facility_status(facility.root)["well"]
    assert stop_facility(facility.root)
    start()
    assert json.loads(path.read_text())["pid"] != facility.address.pid


def test_whose_facility_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / ".headrace"
    directory.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: directory.stat().st_uid + 12345)
    with pytest.raises(FacilityError, match=r"this project's facility is \w+'s") as caught:
        state_directory(tmp_path)
    assert "remove" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(FacilityError):
        check_owner(directory)


@pytest.mark.parametrize("command", ["status", "down", "up", "env", "check"])
def test_a_second_person_is_told_whose_facility_it_is(command: str, tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text("")
    (tmp_path / ".headrace").mkdir(mode=0o700)
    # Stands for another account, which could not read this test's Python.
    code = (
        "import os; true = os.geteuid(); os.geteuid = lambda: true + 12345\n"
        "from headrace.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "facility", command, "-C", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert "this project's facility is" in line
    assert "remove" not in line
