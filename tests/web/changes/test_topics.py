"""Every topic that a part of a page names is told by somebody."""

from __future__ import annotations

import re
from pathlib import Path

from headrace.project import load_project
from headrace.web.changes.local_files import LocalChanges
from headrace.web.page_registry import all_pages
from headrace.web.site import STATUS_TOPIC
from tests.support.repository import SOURCE


def test_every_topic_that_a_page_names_has_a_publisher() -> None:
    named = {topic.partition(":")[0] for p in all_pages() for s in p.parts for topic in s.topics}
    sources = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    told = set(re.findall(r"view\.watch\(\s*f?\"([a-z_]+)", sources))
    told |= set(re.findall(r"publish\(\(\"([a-z_]+)\",", sources))
    local = (SOURCE / "headrace/web/changes/local_files.py").read_text()
    told |= set(re.findall(r"yield \"([a-z_]+)", local))
    watcher = (SOURCE / "headrace/web/changes/watcher.py").read_text()
    told |= set(re.findall(r"\"([a-z_]+)\"", watcher.partition("def _topics")[2])) | {"run"}
    told.add(STATUS_TOPIC)  # told by the thread that keeps the status, which is given its name
    assert named
    assert named <= told, named - told


def test_changes_of_endpoints_are_published(web_root: Path) -> None:
    state = web_root / ".headrace"
    endpoint = state / "endpoints" / "one"
    endpoint.mkdir(parents=True)
    changes = LocalChanges(lambda: load_project(web_root), "local")
    changes.look(())
    assert "endpoints" not in changes.look(())
    (endpoint / "drain").write_text("now")
    assert changes.look(()) == {"endpoints"}
    (state / "monitor").mkdir()
    (state / "monitor" / "heartbeat.json").write_text("{}")
    assert changes.look(()) == {"endpoints"}
    (state / "endpoints" / "two").mkdir()
    assert changes.look(()) == {"endpoints"}
    assert changes.look(()) == set()
    changes.close()
