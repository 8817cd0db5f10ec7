"""Files of users: those that a page names, confined to their collection, and without scripts."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest

from headrace.web.errors import PageMissing
from headrace.web.user_files import open_confined
from tests.support.web import WebSite

HOSTILE = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(document.cookie)</script></svg>"


@pytest.fixture
def data(web_root: Path) -> Path:
    data = web_root / "data"
    (data / "run 1").mkdir(parents=True)
    (data / "run 1" / "misfit.svg").write_bytes(HOSTILE)
    (data / "run 1" / "report.html").write_bytes(b"<script>alert(1)</script>")
    (data / "run 1" / "job.log").write_bytes(b"line\n" * 100_000)
    (web_root / "secret").write_text("nobody's")
    return data


def test_a_picture_is_shown_under_a_sandbox(web: WebSite, data: Path) -> None:
    answer = web.get(web.site.files.url("workstation", "/run 1/misfit.svg"))
    assert answer.content == HOSTILE
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["report.html", "job.log"])
def test_everything_else_is_for_download(web: WebSite, data: Path, name: str) -> None:
    answer = web.get(web.site.files.url("workstation", f"run 1/{name}"))
    assert answer.content == (data / "run 1" / name).read_bytes()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert answer.headers["content-security-policy"].startswith("sandbox;")


def test_only_what_a_page_has_shown_is_served(web: WebSite, data: Path) -> None:
    shown = web.site.files.url("workstation", "run 1/misfit.svg")
    other = shown.replace("misfit.svg", "job.log")
    assert web.get(other).status_code == 403
    assert web.get(shown.partition("?")[0]).status_code == 403
    assert web.get(shown, cookie="").status_code == 401
    assert b"<svg" not in web.get(shown, cookie="headrace_8765=guess").content


@pytest.mark.parametrize(
    "path",
    [
        *("../secret", "run 1/../../secret", "/../secret", "run 1/../../../project/secret"),
        *("", "run 1", ".", "nothing", "x\0y", "link", "folder/secret", "pipe", "a" * 5000),
    ],
)
def test_no_path_leads_out_of_its_collection(web: WebSite, data: Path, path: str) -> None:
    (data / "link").symlink_to(data.parent / "secret")
    (data / "folder").symlink_to(data.parent)
    os.mkfifo(data / "pipe")
    with pytest.raises(PageMissing):
        open_confined(data, path)
    # With a signature, as if a page had been led to show it.
    key = web.site.files.url("workstation", path).partition("?")[2]
    for written in (path.replace("\0", "%00"), quote(path, safe="")):
        if len(written) < 5000:
            answer = web.get(f"files/workstation/{written}?{key}")
            assert answer.status_code in (401, 403, 404)
            assert b"nobody's" not in answer.content


def test_links_within_a_collection_are_followed(data: Path) -> None:
    (data / "latest").symlink_to("run 1")
    descriptor = open_confined(data, "latest/misfit.svg")
    assert os.read(descriptor, 4) == b"<svg"
    os.close(descriptor)


def test_names_are_data(web: WebSite, data: Path) -> None:
    name = 'a"; filename=evil.exe <b>% ü.log'
    (data / name).write_text("log")
    answer = web.get(web.site.files.url("workstation", name))
    assert answer.content == b"log"
    assert '"' not in answer.headers["content-disposition"]
    two_lines = "a\r\nset-cookie: x=1.log"
    (data / two_lines).write_text("log")
    assert "set-cookie" not in web.get(web.site.files.url("workstation", two_lines)).headers


def test_of_a_file_that_grows_comes_what_was_announced(web: WebSite, data: Path) -> None:
    path = data / "growing.log"
    path.write_bytes(b"x" * 600_000)
    address = web.site.files.url("workstation", "growing.log")
    assert len(web.get(address).content) == 600_000
    path.write_bytes(b"")
    assert web.get(address).content == b""


def test_an_unknown_collection_is_said(web: WebSite) -> None:
    answer = web.get(web.site.files.url("nowhere", "a.png"))
    assert answer.status_code == 404
    assert "there is no collection" in answer.text
