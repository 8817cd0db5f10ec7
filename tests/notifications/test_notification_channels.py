"""A notification channel that another distribution brings."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.config.project_config import HEADRACE_TOML
from headrace.notifications import (
    Notification,
    NotificationChannel,
    notification_channels,
    send_notification,
)
from headrace.notifications.channels import ENTRY_POINT_GROUP, registry
from headrace.project import load_project
from headrace.project.effective_settings import settings


class Telegraph(NotificationChannel):
    """A channel that raises."""

    key = "telegraph"
    description = "Number of a telegraph."

    def send(self, value: str, notification: Notification) -> str:
        raise RuntimeError("no signal")


@pytest.fixture(autouse=True)
def pager(extensions: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The channel of docs/extending.md, and two that fail."""
    found = [
        EntryPoint("pager", "pager:Pager", ENTRY_POINT_GROUP),
        EntryPoint("telegraph", f"{__name__}:Telegraph", ENTRY_POINT_GROUP),
        EntryPoint("broken", "there_is_no:Module", ENTRY_POINT_GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: found)
    notification_channels.cache_clear()
    yield
    notification_channels.cache_clear()


def write_config(root: Path, value: str) -> Path:
    (root / "headrace.toml").write_text(f'[notify]\npager = "{value}"\n')
    return root


def test_its_key_is_valid_and_it_sends(tmp_path: Path) -> None:
    spool = tmp_path / "4711"
    project = load_project(write_config(tmp_path, str(spool)))
    assert send_notification(project.config.notify, Notification("down", "it is down")) == []
    assert spool.read_text() == "down: it is down\n"
    (failure,) = send_notification({"pager": str(tmp_path)}, Notification("down", "it is down"))
    assert failure.startswith("notify.pager: ")
    assert "Is a directory" in failure


def test_its_value_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"headrace\.toml:2: notify\.pager: must be a file nam"):
        load_project(write_config(tmp_path, "x"))


def test_what_it_raises_is_reported() -> None:
    failures = send_notification({"telegraph": "0"}, Notification("a", "b"))
    assert failures == ["notify.telegraph: RuntimeError: no signal"]


def test_schema_and_settings_know_it(tmp_path: Path) -> None:
    notify = HEADRACE_TOML.json_schema()["properties"]["notify"]["properties"]
    assert notify["pager"]["description"] == "File from which the pager's program reads."
    rows = {row["key"]: row["value"] for row in settings(load_project(write_config(tmp_path, "1")))}
    assert rows["notify.pager"] == "..."


def test_one_that_cannot_be_loaded_is_left_out() -> None:
    assert set(notification_channels()) == {
        "apprise",
        "command",
        "phone",
        "webhook",
        "pager",
        "telegraph",
    }
