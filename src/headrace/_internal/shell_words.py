"""Words of a command that somebody copies into a shell."""

from __future__ import annotations

import re
import shlex
from typing import Final

# What a shell, an interactive one too, reads within double quotes.
_READ_IN_DOUBLE_QUOTES: Final = re.compile(r'["$`\\!]')


def shell_word(text: str) -> str:
    """Return text as one word of a shell command: quoted where need be, and as legible as may be.

    Args:
        text: the word.
    """
    if "'" in text and _READ_IN_DOUBLE_QUOTES.search(text) is None:
        return f'"{text}"'
    return shlex.quote(text)
