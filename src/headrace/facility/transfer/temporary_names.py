"""Names of temporary files, made from the id of their task.

``.headrace-<8 digits of the task>-<16 digits of the file>.part``: hidden, short enough for every
file system, the same in every attempt at the same task.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid

_TEMPORARY = re.compile(r"\.headrace-[0-9a-f]{8}-[0-9a-f]{16}\.part")


def task_prefix(task_id: str) -> str:
    """Return the prefix of a task's temporary files."""
    try:
        digits = uuid.UUID(task_id).hex[:8]
    except ValueError:
        digits = hashlib.blake2b(_encoded(task_id), digest_size=4).hexdigest()
    return f".headrace-{digits}-"


def temporary_name(task_id: str, name: str) -> str:
    """Return the name under which a task writes the file that will be called ``name``."""
    digest = hashlib.blake2b(_encoded(task_id) + b"\0" + os.fsencode(name), digest_size=8)
    return f"{task_prefix(task_id)}{digest.hexdigest()}.part"


def journal_name(task_id: str) -> str:
    """Return the name of a task's journal; no file can have the empty name it is made from."""
    return temporary_name(task_id, "")


def is_temporary(name: str) -> bool:
    """Return whether a name is a temporary one of any task."""
    return _TEMPORARY.fullmatch(name) is not None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
