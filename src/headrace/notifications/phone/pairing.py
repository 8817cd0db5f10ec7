"""Pairing of a project with a phone: topics and keys, in a file that its owner alone can read."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from headrace._internal.files import PRIVATE, write_private
from headrace.notifications.phone.errors import PhoneError

PAIRING_FILE: Final = "phone.json"
_KEY_BYTES: Final = 32
# Of a topic: 128 bits, as many as nobody guesses.
_TOPIC_BYTES: Final = 16
_OTHERS: Final = 0o077


@dataclass(frozen=True)
class Pairing:
    """Secrets that a project shares with a phone, and the key that it shares with nobody.

    Attributes:
        topic: the topic that the phone subscribes to.
        answers_topic: the topic that its buttons post to.
        key: key of the signatures of commands, 32 bytes in hexadecimal digits.
        token: access token of the service; empty where it wants none.
        answers_token: access token that buttons carry.
        user: Pushover's user key.
        made_at: when it was made, in seconds since the epoch.
    """

    topic: str
    answers_topic: str
    key: str = field(repr=False)
    token: str = field(default="", repr=False)
    answers_token: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    made_at: float = 0.0

    @property
    def key_bytes(self) -> bytes:
        """The key of the signatures."""
        return bytes.fromhex(self.key)


def new_pairing() -> Pairing:
    """Return a pairing with random topics and a random key."""
    topics = [f"hr-{secrets.token_urlsafe(_TOPIC_BYTES)}" for _ in range(2)]
    return Pairing(topics[0], topics[1], secrets.token_hex(_KEY_BYTES), made_at=time.time())


def renewed(pairing: Pairing) -> Pairing:
    """Return a pairing with other topics and another key: buttons sent before are void."""
    fresh = new_pairing()
    return replace(
        pairing,
        topic=fresh.topic,
        answers_topic=fresh.answers_topic,
        key=fresh.key,
        made_at=fresh.made_at,
    )


def with_secret(pairing: Pairing, name: str, value: str) -> Pairing:
    """Return a pairing that keeps a secret of the service.

    Args:
        pairing: the pairing.
        name: ``token``, ``answers_token`` or ``user``.
        value: the secret.
    """
    changes: dict[str, Any] = {name: value}
    return replace(pairing, **changes)


def pairing_file(root: Path) -> Path:
    """Return the file of a project's pairing.

    Args:
        root: the project's root.
    """
    from headrace.facility import state_directory

    return state_directory(root) / PAIRING_FILE


def read_pairing(root: Path) -> Pairing | None:
    """Return a project's pairing; None where it is not paired.

    Args:
        root: the project's root.

    Raises:
        PhoneError: the file cannot be read, is none, or others can read it.
    """
    path = pairing_file(root)
    try:
        if path.stat().st_mode & _OTHERS:
            raise PhoneError(f"{path}: others can read its secrets: `headrace notify pair --again`")
        found = json.loads(path.read_text(encoding="utf-8"))
        pairing = Pairing(**{each.name: found[each.name] for each in fields(Pairing)})
        if len(pairing.key_bytes) != _KEY_BYTES:
            raise ValueError("its key has another length")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PhoneError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        # Not the error's own words: they may hold a secret.
        raise PhoneError(
            f"{path}: not a pairing ({type(error).__name__}): `headrace notify pair --again`"
        ) from None
    return pairing


def write_pairing(root: Path, pairing: Pairing) -> Path:
    """Store a project's pairing, durably, readable by its owner only, and return the file.

    Args:
        root: the project's root.
        pairing: the pairing.

    Raises:
        PhoneError: it cannot be written.
    """
    path = pairing_file(root)
    try:
        write_private(path, json.dumps(asdict(pairing)) + "\n")
        path.chmod(PRIVATE)
    except OSError as error:
        raise PhoneError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def remove_pairing(root: Path) -> bool:
    """Delete a project's pairing, and return whether there was one.

    Args:
        root: the project's root.
    """
    path = pairing_file(root)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise PhoneError(f"{path}: cannot be deleted: {error.strerror}") from error
    return True
