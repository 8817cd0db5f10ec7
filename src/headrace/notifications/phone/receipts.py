"""Receipts of Pushover that are waited for, each a file with the command that it stands for."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from headrace._internal.files import write_private
from headrace.notifications.phone.errors import PhoneError
from headrace.notifications.phone.settings import PhoneSettings
from headrace.notifications.phone.signed_commands import Command, SignedCommand

_DIRECTORY: Final = "phone_receipts"


@dataclass(frozen=True)
class KeptReceipt:
    """A receipt that is waited for.

    Attributes:
        path: its file.
        receipt: the receipt.
        signed: the command that its acknowledgement gives.
    """

    path: Path
    receipt: str
    signed: SignedCommand

    def forget(self) -> None:
        """Wait for it no more."""
        self.path.unlink(missing_ok=True)


def receipts_directory(root: Path) -> Path:
    """Return the directory of a project's receipts.

    Args:
        root: the project's root.
    """
    from headrace.facility import state_directory

    return state_directory(root) / _DIRECTORY


def keep_receipt(settings: PhoneSettings, receipt: str, command: Command) -> None:
    """Keep a receipt, durably, with the command that its acknowledgement gives.

    Args:
        settings: the table.
        receipt: the receipt.
        command: the command.

    Raises:
        PhoneError: it cannot be written.
    """
    now = int(time.time())
    document = {
        "receipt": receipt,
        "command": asdict(command),
        "issued": now,
        "expires": now + settings.lifetime_seconds,
        "nonce": str(uuid.uuid4()),
    }
    path = receipts_directory(settings.project_root) / f"{receipt}.json"
    try:
        write_private(path, json.dumps(document) + "\n")
    except OSError as error:
        raise PhoneError(f"{path}: cannot be written: {error.strerror}") from error


def kept_receipts(root: Path) -> Iterator[KeptReceipt]:
    """Yield the receipts of a project that are waited for, the oldest first.

    Args:
        root: the project's root.
    """
    found = []
    for path in receipts_directory(root).glob("*.json"):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            signed = SignedCommand(
                Command(**document["command"]),
                *(document["issued"], document["expires"], document["nonce"]),
            )
            found.append(KeptReceipt(path, document["receipt"], signed))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    yield from sorted(found, key=lambda each: (each.signed.issued, each.receipt))
