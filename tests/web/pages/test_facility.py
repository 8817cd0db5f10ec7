"""The page of the facility: started, checked, copied and stopped from it; dead, it says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.facility import log_path, stop_facility
from headrace.web.views.last_lines import last_lines
from tests.support.waiting import wait_until
from tests.support.web import WebSite, words_of

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def facility_root(web_root: Path) -> Iterator[Path]:
    yield web_root
    stop_facility(web_root)


def ended(site: WebSite) -> bool:
    return site.store.recorded_actions()[0].state != "begun"


def do(site: WebSite, action: str) -> str:
    answer = site.send_form("facility", action)
    wait_until(lambda: ended(site), f"{action} to end")
    return words_of(site.follow(f"facility/do/{action}", answer).text)


@pytest.mark.service
def test_a_facility_is_started_copied_and_stopped(facility_root: Path) -> None:
    site = WebSite(facility_root)
    assert "It is not running" in words_of(site.get("facility").text)
    assert "Done: the facility is started" in do(site, "start")
    words = words_of(site.get("facility").text)
    assert "State well" in words
    assert "Runs none" in words
    assert "Clock as this server's" in words
    assert "facility well" in words
    assert "0 runs; no damage" in do(site, "check")
    assert "copied to" in do(site, "back_up")
    (copy,) = (facility_root / ".headrace" / "backups").iterdir()
    with sqlite3.connect(copy) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    assert "Done: the facility stopped" in do(site, "stop")
    assert "It is not running" in words_of(site.get("facility").text)
    site.close()


def test_a_dead_facility_says_so_and_shows_its_log(web_root: Path) -> None:
    site = WebSite(web_root)
    log_path(web_root).write_text(f"first\n{HOSTILE}\n")
    shown = site.get("facility")
    assert shown.status_code == 200
    words = words_of(shown.text)
    assert "It is not running" in words
    assert "no facility is running: run `headrace facility up`" in words
    assert HOSTILE in words
    assert "<script>alert" not in shown.text
    assert "Not done" in do(site, "check")
    site.close()


def test_at_globus_the_page_says_why_it_has_nothing(web_root: Path) -> None:
    site = WebSite(web_root, "globus")
    words = words_of(site.get("facility").text)
    assert words.count("the hosted services are kept by Globus") == 3
    assert "No process of this project" in words
    site.close()


def test_of_a_large_log_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"{number}\n" for number in range(1_000_000)))
    assert last_lines(path, 2) == ["999998", "999999"]
    path.write_text("x" * 10_000_000)
    assert len("".join(last_lines(path, 5))) == 2_000
