"""Files by which Prometheus finds a facility and may read its metrics, and nothing else."""

from __future__ import annotations

import json
import logging
import secrets
from pathlib import Path
from typing import Final

from headrace._internal.files import write_private

logger = logging.getLogger(__name__)

TOKEN_FILE: Final = "metrics.token"  # noqa: S105 - the name of a file
TARGETS_FILE: Final = "metrics_targets.json"

_SHORTEST_TOKEN: Final = 16


def prepare_scraping(state: Path, address: tuple[str, int]) -> str:
    """Write the files, and return the token that opens the metrics.

    A token that is there already stays; whoever changes the file changes the token at the next
    start. What is wrong with the files keeps no facility from its work.

    Args:
        state: the state directory.
        address: host and port that the facility answers at.

    Returns:
        The token; empty where none can be used.
    """
    host, port = address
    targets = [{"targets": [f"{host}:{port}"], "labels": {"facility": state.parent.name}}]
    path = state / TOKEN_FILE
    try:
        write_private(state / TARGETS_FILE, json.dumps(targets, indent=1) + "\n")
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32) + "\n")
        known = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        logger.error("%s: %s: the API's token alone opens the metrics", path, error.strerror)
        return ""
    if len(known) < _SHORTEST_TOKEN or not (known.isascii() and known.isprintable()):
        logger.error("%s: no token: remove it, and the next start makes another one", path)
        return ""
    return known
