"""A notification channel that another distribution brings."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.config.project_config import HEADRACE_TOML
from headrace.notifications import NotificationChannel, notification_channels, send_notification
from headrace.notifications.channels import ENTRY_POINT_GROUP, registry
from headrace.project import load_project
from headrace.project.effective_settings import settings

SENT: list[tuple[str, str, str]] = []


class Pager(NotificationChannel):
    """A channel from outside."""

    key = "pager"
    description = "Number of a pager."

    def check(self, value: str) -> str:
        return "" if value.isdigit() else "must be a number"

    def redact(self, value: str) -> str:
        return "..."

    def send(self, value: str, subject: str, message: str) -> str:
        SENT.append((value, subject, message))
        if value == "0":
            raise RuntimeError("no signal")
        return ""


@pytest.fixture(autouse=True)
def pager(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    found = [
        EntryPoint("pager", f"{__name__}:Pager", ENTRY_POINT_GROUP),
        EntryPoint("broken", "there_is_no:Module", ENTRY_POINT_GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: found)
    notification_channels.cache_clear()
    SENT.clear()
    yield
    notification_channels.cache_clear()


def write_config(root: Path, value: str) -> Path:
    (root / "headrace.toml").write_text(f'[notify]\npager = "{value}"\n')
    return root


def test_its_key_is_valid_and_it_sends(tmp_path: Path) -> None:
    project = load_project(write_config(tmp_path, "4711"))
    assert send_notification(project.config.notify, "down", "it is down") == []
    assert SENT == [("4711", "down", "it is down")]


def test_its_value_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"headrace\.toml:2: notify\.pager: must be a number"):
        load_project(write_config(tmp_path, "x"))


def test_what_it_raises_is_reported() -> None:
    assert send_notification({"pager": "0"}, "a", "b") == ["notify.pager: RuntimeError: no signal"]


def test_schema_and_settings_know_it(tmp_path: Path) -> None:
    notify = HEADRACE_TOML.json_schema()["properties"]["notify"]["properties"]
    assert notify["pager"]["description"] == "Number of a pager."
    rows = {row["key"]: row["value"] for row in settings(load_project(write_config(tmp_path, "1")))}
    assert rows["notify.pager"] == "..."


def test_one_that_cannot_be_loaded_is_left_out() -> None:
    assert set(notification_channels()) == {"command", "webhook", "pager"}
