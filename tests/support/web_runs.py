"""A project with a facility, its flows deployed, whose runs the pages show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

from headrace.facility import stop_facility
from headrace.project import Project, load_project
from tests.support.chosen_runs import FLOWS, write_flow
from tests.support.command_process import command_in
from tests.support.web import ORIGIN, WebSite


def asking(context: dict[str, object]) -> dict[str, object]:
    """Return a flow that asks a question with this context, and waits for its answer."""
    options = [
        {"Value": "yes", "Label": "Go on", "Description": "The next iteration <b>begins</b>."},
        {"Value": "no", "Label": "Stop"},
    ]
    body = {"InputType": "Selection", "Context": context, "Options": options}
    return {
        "StartAt": "Ask",
        "States": {
            "Ask": {
                "Type": "CreateWebInput",
                "Parameters": body,
                "ResultPath": "$.question",
                "Next": "Wait",
            },
            "Wait": {
                "Type": "AwaitWebInput",
                "Parameters": {"web_input_id.$": "$.question.web_input_id"},
                "ResultPath": "$.answer",
                "End": True,
            },
        },
    }


@contextmanager
def running_project(root: Path, config: str = "", **flows: dict[str, object]) -> Iterator[Project]:
    """Gives a project whose facility runs, with the flows of `chosen_runs` and others.

    Args:
        root: its directory.
        config: more of its ``headrace.toml``.
        flows: definitions by their names.
    """
    (root / "headrace.toml").write_text(f'[collections.workstation]\nroot = "data"\n{config}')
    (root / "data").mkdir()
    for name, definition in {**FLOWS, **flows}.items():
        write_flow(root, name, definition)
    call = command_in(root)
    try:
        assert call("facility", "up").returncode == 0
        done = call("deploy")
        assert done.returncode == 0, done.stderr
        yield load_project(root)
    finally:
        stop_facility(root)


def sent(web: WebSite, page: str, action: str, **fields: str) -> str:
    """Send the form of an action and return the page that it leads on to."""
    answer = web.send_form(page, action, **fields)
    path = page.partition("?")[0]
    return web.follow(f"{path}/do/{action}", answer).text


def linked(page: str, text: str, mark: str) -> str:
    """Return the address of the link of a page that has a mark, such as ``rel="next"``.

    Args:
        page: the page's address.
        text: its HTML.
        mark: what stands behind the link's address; empty where there is no such link.
    """
    found = re.search(rf'href="([^"]*)"[^>]*{re.escape(mark)}', text)
    if found is None:
        return ""
    target = urljoin(f"{ORIGIN}/{page.lstrip('/')}", unescape(found[1]))
    return target.removeprefix(f"{ORIGIN}/")
