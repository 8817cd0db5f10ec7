"""Pages of triggers beside a watch that works and is killed, and a facility that starts runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.facility import stop_facility
from headrace.triggers import read_ledger
from tests.support.waiting import wait_until
from tests.support.watch_project import Long, deploy_waiting_project
from tests.support.web import WebSite, words_of

pytestmark = pytest.mark.service

PAGE = "triggers/in"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WebSite]:
    deploy_waiting_project(tmp_path)
    made = WebSite(tmp_path)
    try:
        yield made
    finally:
        made.close()
        stop_facility(tmp_path)


def state(site: WebSite) -> str:
    return words_of(site.get(f"{PAGE}?part=state").text)


def test_a_watch_is_seen_at_work_killed_and_its_arrivals_are_tested_and_replayed(
    site: WebSite, tmp_path: Path
) -> None:
    (tmp_path / "data" / "incoming" / "first.dat").write_text("1")
    watch = Long(tmp_path, tmp_path / "watch.log", "watch", "--existing", "run")
    try:
        watch.says("first.dat: complete, run")
        assert "State watched Watches each new file *" in state(site)
        arrivals = words_of(site.get(f"{PAGE}?part=arrivals").text)
        (record,) = read_ledger(tmp_path / ".headrace" / "triggers.local.db")
        assert str(record.run_id) in arrivals

        answer = site.send_form(PAGE, "test", test_path="first.dat")
        words = words_of(answer.text)
        assert f"it had its run: {record.run_id}" in words
        assert '"name": "first.dat"' in words
        assert "does not lie in" in words_of(
            site.send_form(PAGE, "test", test_path="/etc/passwd").text
        )
        assert len(read_ledger(tmp_path / ".headrace" / "triggers.local.db")) == 1

        site.send_form(PAGE, "replay")

        def runs() -> set[str | None]:
            records = read_ledger(tmp_path / ".headrace" / "triggers.local.db")
            return {each.run_id for each in records if each.state == "started"}

        wait_until(lambda: len(runs()) == 2, "the run of the replayed arrival")
        os.kill(watch.process.pid, signal.SIGKILL)
    finally:
        watch.process.kill()
        watch.process.wait(timeout=120)
    assert "dead its watch has died" in state(site)
