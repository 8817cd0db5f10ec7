"""A project with a phone, its buttons, and runs at a small service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headrace.notifications import Action, Notification
from headrace.notifications.phone.pairing import Pairing, new_pairing, write_pairing
from headrace.notifications.phone.settings import COMMANDS
from headrace.project import Project, load_project


def phone_table(url: str, commands: tuple[str, ...] = COMMANDS, **keys: str) -> str:
    """Return the table ``[notify.phone]`` as TOML."""
    lines = [f'{name} = "{value}"' for name, value in keys.items()]
    return "\n".join(
        [
            "",
            "[notify.phone]",
            f'url = "{url}"',
            f"commands = {json.dumps([*commands])}",
            *lines,
            "",
        ]
    )


def pair_project(
    root: Path, url: str, commands: tuple[str, ...] = COMMANDS, **keys: str
) -> tuple[Project, Pairing]:
    """Give a project a phone, and return it with its pairing."""
    file = root / "headrace.toml"
    text = file.read_text().replace('[notify]\ncommand = "mail me@example.org"\n', "")
    file.write_text(text + phone_table(url, commands, **keys))
    project = load_project(root)
    pairing = new_pairing()
    write_pairing(project.root, pairing)
    return project, pairing


def failed(run_id: str) -> Notification:
    """Return the notification of a failed run."""
    return Notification("say: FAILED", "it broke", "error", key=f"run/{run_id}/FAILED")


def with_actions(*actions: tuple[str, str, str]) -> Notification:
    """Return a notification with actions, each of label, command and subject."""
    return Notification("a", "b", actions=tuple(Action(*each) for each in actions))


def button(message: dict[str, Any], label: str) -> dict[str, Any]:
    """Return a button of a message."""
    [found] = [each for each in message["actions"] if each["label"] == label]
    return found
