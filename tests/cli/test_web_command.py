"""``headrace web`` through the installed program: pages by HTTP, links, and its end."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import find_address
from tests.support.installed_program import headrace
from tests.support.waiting import wait_until
from tests.support.watch_project import Long, deploy_waiting_project, run
from tests.support.web import forms_of, words_of
from tests.support.web_process import WebBrowser, link_in


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "headrace.toml").write_text('name = "waves"\n')
    return tmp_path


@pytest.fixture
def web(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Long]:
    served = Long(root, tmp_path_factory.mktemp("log") / "web", "web")
    yield served
    if served.process.poll() is None:
        served.process.kill()
        served.process.wait()


def status(root: Path) -> Any:
    """What ``headrace status`` says of a project."""
    return json.loads(headrace("-F", "json", "status", "-C", str(root)).stdout)


def heartbeats(root: Path) -> list[dict[str, Any]]:
    """Those of a project's processes but its facility."""
    return [each for each in status(root)["heartbeats"] if each["name"] != "facility"]


def another_link(root: Path, *options: str) -> dict[str, str]:
    done = headrace("-F", "json", "web", "-C", str(root), *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_a_link_opens_one_session_and_sigterm_ends_the_server(root: Path, web: Long) -> None:
    web.says("/login#")
    link = link_in(web.text)
    browser = WebBrowser(link.partition("/login")[0])
    assert browser.get("record").status == 401
    assert browser.log_in(link).status == 303
    assert "Record of actions" in browser.get("record").text
    assert WebBrowser(browser.url).log_in(link).status == 403, "a code is of one use"

    port = browser.url.rpartition(":")[2]
    assert f"after `ssh -L {port}:127.0.0.1:{port} HOST`" in web.text, "the link holds there, too"
    ignored = headrace("web", "-C", str(root), "--port", "1024", "--name", "proxy.example")
    assert ignored.returncode == 0
    assert ignored.stderr == (
        f"web: the pages are served already, at {browser.url} by process {web.process.pid}: "
        "--port and --name changes nothing before that one is ended\n"
    )
    look = another_link(root, "--role", "look", "--label", "colleague")
    assert look["url"] == browser.url
    colleague = WebBrowser(browser.url)
    assert colleague.log_in(look["link"]).status == 303
    page = colleague.get("record").text
    assert "colleague, looks only" in words_of(page)
    assert [form.address for form in forms_of(page)] == ["logout"]

    assert web.ended_by(signal.SIGTERM) == 0, web.text
    assert "runs and campaigns go on" in web.text
    assert "Traceback" not in web.text


def test_sessions_and_the_port_outlive_the_server(
    root: Path, web: Long, tmp_path_factory: pytest.TempPathFactory
) -> None:
    web.says("/login#")
    browser = WebBrowser(link_in(web.text).partition("/login")[0])
    browser.log_in(link_in(web.text))
    web.process.kill()
    web.process.wait()
    dead = [finding["text"] for finding in status(root)["findings"]]
    assert any(text.startswith("the web on ") and "is dead" in text for text in dead), dead
    again = Long(root, tmp_path_factory.mktemp("log") / "again", "web")
    again.says("/login#")
    assert browser.url in link_in(again.text)
    assert browser.get("record").status == 200
    (pages,) = heartbeats(root)
    assert (pages["name"], pages["state"]) == ("web", "well")
    assert again.ended_by(signal.SIGTERM) == 0, again.text
    assert [each["state"] for each in heartbeats(root)] == ["stopped"]


def test_as_a_service_it_writes_no_link_to_its_log(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    web = Long(root, tmp_path_factory.mktemp("log") / "web", "web", "--no-link")
    web.says("web: serves pages at http://127.0.0.1:")
    link = another_link(root)["link"]
    assert WebBrowser(link.partition("/login")[0]).log_in(link).status == 303
    assert web.ended_by(signal.SIGTERM) == 0
    assert "login" not in web.text


def test_the_project_file_says_how_pages_are_served(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (root / "headrace.toml").open("a") as file:
        file.write(
            '[web]\nuds = ".headrace/pages.sock"\nroot_path = "/node/web"\n'
            'names = ["proxy.example"]\n'
        )
    web = Long(root, tmp_path_factory.mktemp("log") / "web", "web", "--no-link")
    web.says(f"web: serves pages at {root}/.headrace/pages.sock")
    assert "/node/web/login#" in another_link(root)["link"]
    browser = WebBrowser("http://127.0.0.1", unix_socket=root / ".headrace" / "pages.sock")
    assert browser.get("record", host="proxy.example").status == 401
    assert browser.get("record", host="other.example").status == 403
    assert web.ended_by(signal.SIGTERM) == 0
    other = Long(root, tmp_path_factory.mktemp("log") / "web", "web", "--root-path", "/other")
    other.says("/other/login#")
    assert other.ended_by(signal.SIGTERM) == 0
    (root / "headrace.toml").write_text("[web]\nport = 65536\n")
    refused = headrace("web", "-C", str(root))
    assert refused.returncode == 1
    assert "web.port: expected a port from 1 to 65535, found 65536" in refused.stderr


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--name", "ood.example:443", "expected the name of a host, without a port"),
        ("--name", "http://ood.example", "expected the name of a host, without a port"),
    ],
)
def test_an_option_that_no_browser_could_use_is_refused(
    root: Path, option: str, value: str, expected: str
) -> None:
    refused = headrace("web", "-C", str(root), option, value)
    assert refused.returncode == 2
    assert expected in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


def test_what_cannot_be_served_is_one_line(root: Path, web: Long) -> None:
    web.says("/login#")
    port = link_in(web.text).rpartition("/login")[0].rpartition(":")[2]
    other = root / "other"
    other.mkdir()
    (other / "headrace.toml").write_text("")
    done = headrace("web", "-C", str(other), "--port", port)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: port {port}: cannot serve there: Address already in use; give another one with "
        "--port\n"
    )
    for prefix in ("node/web", "https://proxy.example/node", "/node//web", "/a b"):
        refused = headrace("web", "-C", str(other), "--root-path", prefix)
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"error: {prefix}: no path that a proxy can put before")
        assert refused.stderr.count("\n") == 1
    nowhere = headrace("web", "-C", str(other), "--uds", str(root / "absent" / "sock"))
    assert nowhere.returncode == 1
    assert "No such file or directory" in nowhere.stderr
    assert "Traceback" not in nowhere.stderr


def test_a_unix_socket_is_its_owners_alone(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    socket = root / "pages.sock"
    web = Long(root, tmp_path_factory.mktemp("log") / "uds", "web", "--uds", str(socket))
    web.says("/login#")
    assert socket.stat().st_mode & 0o777 == 0o600
    assert "http://127.0.0.1:8080/login#" in web.text
    assert f"`ssh -L 8080:{socket} HOST`" in web.text
    browser = WebBrowser("http://127.0.0.1", unix_socket=socket)
    assert browser.log_in(link_in(web.text)).status == 303
    assert browser.get("record").status == 200
    assert web.ended_by(signal.SIGTERM) == 0, web.text
    wait_until(lambda: not socket.exists(), "the socket's removal")


def test_changes_of_runs_and_the_end_of_the_facility_are_told_as_they_happen(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (root / "headrace.toml").unlink()
    deploy_waiting_project(root)
    web = Long(root, tmp_path_factory.mktemp("log") / "web", "web")
    web.says("/login#")
    browser = WebBrowser(link_in(web.text).partition("/login")[0])
    browser.log_in(link_in(web.text))
    with browser.stream("events?topics=runs,web_inputs") as messages:
        assert next(messages) == ("contact", '{"problem": ""}')
        assert ("reload", "all") in messages, "where the journal is, is known now"
        started = run("start", "rest", "-C", str(root), "-s", "name=one")
        assert started.returncode == 0, started.stderr
        assert ("change", '["runs", "web_inputs"]') in messages
        facility = find_address(root)
        assert facility is not None
        os.kill(facility.pid, signal.SIGKILL)
        assert any(event == "contact" and '""' not in data for event, data in messages)
        assert run("facility", "up", "-C", str(root)).returncode == 0
        assert ("contact", '{"problem": ""}') in messages
    run("facility", "down", "-C", str(root))
    assert web.ended_by(signal.SIGTERM) == 0
