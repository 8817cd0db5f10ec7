"""Channels of notifications: a command of the user, and a webhook. ``[notify]`` says which."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Mapping
from typing import Final

from headrace.config.notify_table import is_safe_webhook

logger = logging.getLogger(__name__)

_SECONDS: Final = 30.0


def send_notification(settings: Mapping[str, str], subject: str, message: str) -> list[str]:
    """Tell people something.

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
    if not is_safe_webhook(url):
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
