"""Functions as text, in the forms in which the Compute SDK sends them."""

from __future__ import annotations

import re
import sys
from typing import Final

# Identifies globus_compute_sdk's PureSourceTextInspect.
SOURCE_TEXT: Final = "st\n"
# int() reads more digits than these ten, and isdigit() more than int() does.
_DIGITS: Final = re.compile(r"[0-9]{1,9}")


def source_code(name: str, source: str) -> str:
    """Return a function's source text as the SDK serialises it.

    Args:
        name: the function of that text which is called.
        source: the text.
    """
    return f"{SOURCE_TEXT}{name}:{source}"


def source_text(code: str) -> str | None:
    """Return the source text of a function, or nothing where it is not registered as text.

    Args:
        code: the function as it is registered, with its length before it or without.
    """
    code = strip_code_length(code)
    _, colon, text = code.removeprefix(SOURCE_TEXT).partition(":")
    return text if code.startswith(SOURCE_TEXT) and colon else None


def code_with_length(code: str) -> str:
    """Return a function's code with its length before it, as the SDK registers it."""
    return f"{len(code)}\n{code}"


def strip_code_length(code: str) -> str:
    """Return a function's code without the length that the Compute SDK puts before it.

    However many tasks wait with the same code, it is in memory once.
    """
    length, newline, text = code.partition("\n")
    has_length = newline and _DIGITS.fullmatch(length) and int(length) == len(text)
    return sys.intern(text if has_length else code)
