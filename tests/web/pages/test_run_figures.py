"""Pictures that a run has brought back stand on its page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.project import Project
from headrace.runs import BatchedRun
from headrace.web.views.result_figures import MOST_FIGURES, find_figures
from tests.support.chosen_runs import start
from tests.support.web import WebSite
from tests.support.web_runs import running_project

pytestmark = pytest.mark.service

# What a PNG begins with; no more is looked at here.
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
STEPS = {
    "StartAt": "Summarise",
    "States": {
        "Summarise": {
            "Type": "Pass",
            "Parameters": {"results.$": "$.results"},
            "ResultPath": "$.summary",
            "End": True,
        }
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with running_project(tmp_path_factory.mktemp("project"), steps=STEPS) as found:
        yield found


@pytest.fixture
def web(project: Project) -> Iterator[WebSite]:
    site = WebSite(project.root)
    yield site
    site.close()


def test_pictures_of_the_results_are_shown_and_nothing_beside_them(
    web: WebSite, project: Project
) -> None:
    root = project.collection("workstation").root
    figures = root / "results" / "event 1" / "figures"
    figures.mkdir(parents=True)
    (figures / 'a" onerror="x.png').write_bytes(PNG)
    (figures / "notes.txt").write_text("no picture")
    (root / "secret.png").write_bytes(PNG)
    (figures / "link.png").symlink_to(root / "secret.png")
    place = {"id": project.collection_id("workstation", "local"), "path": "/results/event 1/"}
    run = BatchedRun({"results": place}, "with pictures", ("figures",))
    [run_id] = start(project, "steps", [run], "SUCCEEDED")
    part = web.get(f"runs/{run_id}?part=figures").text
    assert part.count("<img ") == 1
    assert 'onerror="x' not in part
    address = part.partition('src="../')[2].partition('"')[0].replace("&amp;", "&")
    answer = web.get(address)
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert web.get(address.replace("figures", "..").partition("?")[0]).status_code in (403, 404)


def test_a_run_without_results_shows_no_figures(web: WebSite, project: Project) -> None:
    run = BatchedRun({"results": {"id": "elsewhere", "path": "/"}}, "elsewhere", ("figures",))
    [run_id] = start(project, "steps", [run], "SUCCEEDED")
    part = web.get(f"runs/{run_id}?part=figures").text
    assert "<img" not in part
    assert part.startswith('<section id="figures"')


def test_the_first_pictures_by_depth_and_name_are_found(tmp_path: Path) -> None:
    for name in ("b/deep/z.png", "b/y.svg", "x.PNG", ".hidden/w.png", "b/empty.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"" if "empty" in name else PNG)
    os.mkfifo(tmp_path / "pipe.png")
    found, more = find_figures(tmp_path)
    assert [figure.path for figure in found] == ["x.PNG", "b/y.svg", "b/deep/z.png"]
    assert not more
    for number in range(MOST_FIGURES):
        (tmp_path / f"{number:03d}.png").write_bytes(PNG)
    found, more = find_figures(tmp_path)
    assert (len(found), more) == (MOST_FIGURES, True)
    assert find_figures(tmp_path / "gone") == ([], False)
