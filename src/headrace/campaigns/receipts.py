"""Receipts in directories that are members: which campaign has them, and what was brought back."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace._internal.atomic import write_atomic
from headrace.campaigns.directory_copies import RECEIPT
from headrace.campaigns.errors import CampaignError


@dataclass(frozen=True)
class Receipt:
    """Receipt of a directory.

    Attributes:
        project: root of the project.
        target: where the campaign runs.
        campaign: its name.
        member: the member's key.
        digest: SHA-256 of the directory's content when it was added.
        host: the machine on which it was added.
        added_at: when, UTC in ISO format.
        state: state of the member when results were brought back last; "" before.
        attempt: directory of the attempt that they are of: KEY/STEP-LLL.A.
        fetched_at: when that was, UTC in ISO format; "" before.
        files: SHA-256 of each file that was brought back, by its path in the directory.
    """

    project: str
    target: str
    campaign: str
    member: str
    digest: str
    host: str = field(default_factory=socket.gethostname)
    added_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    state: str = ""
    attempt: str = ""
    fetched_at: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def fetched(self, state: str, attempt: str, files: Mapping[str, str]) -> Receipt:
        """Return it with what was brought back now."""
        now = datetime.now(UTC).isoformat()
        both = {**self.files, **files}
        return replace(self, state=state, attempt=attempt, fetched_at=now, files=both)

    def is_of(self, project: Path, target: str, campaign: str) -> bool:
        """Return whether it is of a campaign."""
        return (self.project, self.target, self.campaign) == (str(project), target, campaign)


def read_receipt(directory: Path) -> Receipt | None:
    """Return the receipt of a directory; None where there is none.

    Raises:
        CampaignError: it cannot be read, or is none.
    """
    path = directory / RECEIPT
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        known = Receipt.__dataclass_fields__
        receipt = Receipt(**{name: value for name, value in found.items() if name in known})
        _check_values(receipt)
        return receipt
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CampaignError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise CampaignError(
            f"{path}: is no receipt of `headrace campaign add`: remove it, and add the directory "
            "again"
        ) from error


def _check_values(receipt: Receipt) -> None:
    """Check that a receipt that somebody may have written by hand has what one has.

    Raises:
        TypeError: a text or the files are something else.
        ValueError: a time is none.
    """
    for name, value in vars(receipt).items():
        texts = [*value, *value.values()] if name == "files" else [value]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError(name)
    for text in (receipt.added_at, receipt.fetched_at):
        if text and datetime.fromisoformat(text).tzinfo is None:
            raise ValueError("a time without its zone")


def write_receipt(directory: Path, receipt: Receipt) -> None:
    """Write the receipt of a directory, complete or not at all.

    Raises:
        CampaignError: it cannot be written.
    """
    path = directory / RECEIPT
    try:
        write_atomic(path, json.dumps(vars(receipt), indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise CampaignError(f"{path}: cannot be written: {error.strerror}") from error
