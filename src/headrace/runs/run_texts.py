"""Labels and tags of runs, as the services take them."""

from __future__ import annotations

import hashlib
from typing import Final

from headrace._internal.terminal_text import terminal_text

LABEL_LENGTH: Final = 64
"""Characters of a label at most; names of files are longer at times."""
TAG_LENGTH: Final = 128
"""Characters of a tag at most."""

_END: Final = 8


def shorten(text: str, length: int) -> str:
    """Return a text as the service takes it: not longer, and different for different texts.

    Args:
        text: a label or a tag; white space is joined, as the service does, and other control
            characters, which names of files may have and labels may not, are written out.
        length: the most characters.
    """
    text = terminal_text(" ".join(text.split()))
    if len(text) <= length:
        return text
    end = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_END]
    return f"{text[: length - _END - 1]}…{end}"
