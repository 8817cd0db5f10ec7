"""Output of a run's jobs on its page: the end, all of it by pages, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.ids import an_id
from tests.support.web import WebSite, words_of
from tests.support.web_runs import linked

TASK, RUN, FLOW, ENDPOINT = (an_id(name) for name in ("task", "run", "flow", "endpoint"))
HOSTILE = "</pre><script>alert(1)</script>\x1b[2J\u202e\n"


class Services:
    """Services that know one run, whose task ran one batch job."""

    is_facility = True

    def __init__(self, job: Path) -> None:
        result = {"task_id": TASK, "output": {"directory": str(job)}}
        asked = {"endpoint_id": ENDPOINT, "tasks": [{"kwargs": {"directory": str(job)}}]}
        state = {"state_name": "Forward", "state_type": "Action"}
        ended = {**state, "output": {"status": "SUCCEEDED", "details": {"results": [result]}}}
        self.log = [
            self.entry(0, "FlowStarted", input={"events": list(range(3))}),
            self.entry(1, "ActionStarted", **state, input=asked),
            self.entry(9, "ActionCompleted", **ended),
            self.entry(9, "FlowSucceeded", output={}),
        ]
        self.run = {
            "run_id": RUN,
            "flow_id": FLOW,
            "flow_title": "Forward",
            "label": "run of " + HOSTILE,
            "tags": [],
            "status": "SUCCEEDED",
            "start_time": "2026-05-01T10:00:00Z",
            "completion_time": "2026-05-01T10:00:09Z",
            "details": {"code": "FlowSucceeded", "time": "2026-05-01T10:00:09Z", "output": {}},
        }
        self.definition = {
            "StartAt": "Forward",
            "States": {
                "Forward": {
                    "Type": "Action",
                    "ActionUrl": "https://compute.actions.globus.org",
                    "Parameters": {},
                    "End": True,
                }
            },
        }

    def entry(self, second: int, code: str, **details: Any) -> dict[str, Any]:
        return {"time": f"2026-05-01T10:00:0{second}Z", "code": code, "details": details}

    def read(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if path.endswith("/definition"):
            return {"definition": self.definition}
        return self.run

    def read_items(
        self, path: str, key: str, query: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        yield from reversed(self.log) if key == "entries" else []


@pytest.fixture
def job(web_root: Path) -> Path:
    directory = web_root / "job"
    directory.mkdir()
    tag = f"headrace:{TASK}:job"
    (directory / "submission.json").write_text(json.dumps({"tag": tag, "job_id": "17"}))
    (directory / "host.json").write_text(json.dumps({"host": "n42", "nodes": "n[42-43]"}))
    (directory / "stderr").write_text(HOSTILE)
    lines = "".join(f"step {number:07}\n" for number in range(80_000))
    (directory / "stdout").write_text(lines)
    return directory


@pytest.fixture
def web(web_root: Path, job: Path) -> Iterator[WebSite]:
    site = WebSite(web_root, services=lambda: Services(job))
    yield site
    site.close()


def test_the_page_shows_the_end_of_what_a_job_prints_as_it_grows(web: WebSite, job: Path) -> None:
    text = web.get(f"runs/{RUN}").text
    assert "step 0079999" in text
    assert "step 0000000" not in text
    assert len(text) < 300_000
    assert "<script>alert" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "job 17 on n[42-43]" in words_of(text)
    with (job / "stdout").open("a") as stream:
        stream.write("and one more\n")
    web.site.shared = type(web.site.shared)()
    assert "and one more" in web.get(f"runs/{RUN}?part=output").text


def test_all_of_it_is_read_page_by_page(web: WebSite, job: Path) -> None:
    listed = web.get(f"runs/{RUN}/output").text
    assert str(job / "stdout") in listed
    address, seen = f"runs/{RUN}/output?task={TASK}&job={quote(str(job))}&stream=stdout", ""
    while address:
        text = web.get(address).text
        page = text.partition("<pre")[2].partition(">")[2].partition("</pre>")[0]
        assert len(page) <= 64_000
        seen += page
        address = linked(address, text, 'rel="next"')
    assert seen == (job / "stdout").read_text()


@pytest.mark.parametrize(
    "place", ["/etc", "{root}", "{root}/job/..", "{root}/other", "{root}/job/../job"]
)
def test_directories_that_are_no_job_of_the_run_are_not_read(
    web: WebSite, web_root: Path, place: str
) -> None:
    (web_root / "other").mkdir()
    (web_root / "other" / "stdout").write_text("secret")
    where = quote(place.format(root=web_root))
    answer = web.get(f"runs/{RUN}/output?task={TASK}&job={where}&stream=stdout")
    assert answer.status_code == 501
    assert "secret" not in answer.text


def test_links_in_a_job_directory_and_other_names_are_not_followed(
    web: WebSite, web_root: Path, job: Path
) -> None:
    (web_root / "secret").write_text("secret")
    (job / "stdout").unlink()
    (job / "stdout").symlink_to(web_root / "secret")
    where = f"runs/{RUN}/output?task={TASK}&job={quote(str(job))}"
    answer = web.get(f"{where}&stream=stdout")
    assert answer.status_code == 404
    assert "secret</pre>" not in answer.text
    assert web.get(f"{where}&stream=../../secret").status_code == 404
    assert web.get(f"runs/{RUN}/output?task=none&job=x").status_code == 404
