"""Telling people: by a command of theirs, or by a webhook. ``[notify]`` says which."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from headrace._internal.loopback import LOOPBACK
from headrace._internal.near_names import known_names
from headrace.project.errors import ProjectError

logger = logging.getLogger(__name__)

KEYS: Final = frozenset({"command", "webhook", "on"})
STATUSES: Final = ("FAILED", "INACTIVE", "SUCCEEDED", "ENDED")
_TOLD: Final = "FAILED INACTIVE"
_SECONDS: Final = 30.0


def check_notify(settings: Mapping[str, str]) -> None:
    """Checks the table ``[notify]``.

    Args:
        settings: its keys and values: ``command``, run by the shell with the message on standard
            input and its subject in ``HEADRACE_SUBJECT``; ``webhook``, an https URL that gets
            ``{"text": ...}`` by POST, or the name of an environment variable that holds one,
            written ``$NAME``; ``on``, the statuses of runs that people are told of, between blanks.

    Raises:
        ProjectError: an unknown key or status, or a webhook that is no https URL.
    """
    unknown = sorted(set(settings) - KEYS)
    if unknown:
        raise ProjectError(f"notify.{unknown[0]}: unknown key; {known_names(unknown[0], KEYS)}")
    for status in told_statuses(settings):
        if status not in STATUSES:
            raise ProjectError(f"notify.on: {status!r}: there are {', '.join(STATUSES)}")
    webhook = settings.get("webhook", "")
    if webhook and not webhook.startswith("$") and not _is_safe(webhook):
        raise ProjectError("notify.webhook: must begin with https://, or be $NAME of a variable")


def told_statuses(settings: Mapping[str, str]) -> frozenset[str]:
    """Returns the statuses of runs that people are told of."""
    return frozenset(settings.get("on", _TOLD).upper().split())


def tell(settings: Mapping[str, str], subject: str, message: str) -> list[str]:
    """Tells people something.

    Args:
        settings: the table ``[notify]``, checked.
        subject: a few words.
        message: the whole of it.

    Returns:
        What went wrong, a line for each way that failed. Not being able to tell is never a
        reason to stop working, so nothing is raised.
    """
    faults = []
    if command := settings.get("command"):
        faults += _run(command, subject, message)
    if webhook := settings.get("webhook"):
        faults += _post(webhook, f"{subject}\n{message}")
    for fault in faults:
        logger.error("%s", fault)
    return faults


def _run(command: str, subject: str, message: str) -> list[str]:
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            input=f"{message}\n",
            env={**os.environ, "HEADRACE_SUBJECT": subject},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"notify.command: {error}"]
    if done.returncode != 0:
        words = " ".join(done.stderr.split()) or "it said nothing"
        return [f"notify.command ended with exit code {done.returncode}: {words}"]
    return []


def _post(webhook: str, text: str) -> list[str]:
    import requests

    url = os.environ.get(webhook[1:], "") if webhook.startswith("$") else webhook
    if not _is_safe(url):
        return [
            f"notify.webhook: {webhook if webhook.startswith('$') else 'it'} holds no https URL"
        ]
    try:
        answer = requests.post(
            url,
            data=json.dumps({"text": text}),
            headers={"Content-Type": "application/json"},
            timeout=_SECONDS,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        # Not the error's own words: they hold the URL, which is a secret.
        return [f"notify.webhook: not reached ({type(error).__name__})"]
    return [] if answer.ok else [f"notify.webhook: answered {answer.status_code}"]


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    loopback = parts.hostname in LOOPBACK
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and loopback)
    )
