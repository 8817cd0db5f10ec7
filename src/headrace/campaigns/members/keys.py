"""Keys of members: names that are safe as names of directories, and in commands.

A key names directories on every machine that a member runs on, and is written in commands and in
the column of needs: it has no slash, no space, no comma, no colon and no character that a shell
takes for more than itself.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 128
"""Characters that a key has at most."""

_MOST_BYTES: Final = 240
_KEY: Final = re.compile(r"\w[\w.+=@%~-]*")
_UNSAFE: Final = re.compile(r"[^\w.+=@%~-]+")
_RULE: Final = (
    "keys are names of directories: letters, digits and _ . + = @ % ~ -, the first a letter, a "
    "digit or _"
)


def key_problem(key: str) -> str:
    """Return why a text is no key, with the way out; "" where it is one."""
    if not key:
        return "the key is empty"
    if len(key) > LONGEST or len(key.encode("utf-8", "replace")) > _MOST_BYTES:
        return f"key {key[:40]!r}... is longer than {LONGEST} characters, or {_MOST_BYTES} bytes"
    if _KEY.fullmatch(key):
        return ""
    wrong = _UNSAFE.search(key)
    what = f"has {wrong[0][:1]!r}" if wrong else f"begins with {key[0]!r}"
    return f"key {key!r} {what}; {_RULE}. {{COLUMN:key}} in members.key makes such a name"


def normal_key(text: str) -> str:
    """Return a key in the one form of its characters, whatever wrote them (Unicode's NFC)."""
    return unicodedata.normalize("NFC", text) if not text.isascii() else text


def safe_key(text: str) -> str:
    """Return a key for any text: what a key cannot have becomes ``-``.

    Two texts may have the same key; that is found where keys are compared.
    """
    plain = _UNSAFE.sub("-", normal_key(text).strip()).strip("-")
    return plain.lstrip(".+=@%~-")[:LONGEST]
