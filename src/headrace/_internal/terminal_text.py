"""Text from data, as a terminal, a log line or a picture may show it."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

# C0 controls, DEL and C1 controls command terminals; separators end lines for some readers; bidi
# controls reorder what is around them; lone surrogates and the last two code points of the plane
# cannot be written as UTF-8 or as XML.
_CONTROLS: Final = "\x00-\x1f\x7f-\x9f"
_LINES: Final = "\u2028\u2029"
_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNWRITABLE: Final = "\ud800-\udfff\ufffe\uffff"
# Nobody sees these: two names that look the same are not.
_UNSEEN: Final = (
    "\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
# Some scripts, and joined pictures, are written with joiners between two characters.
_JOINER: Final = "(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f\u200c\u200d])"
# What a name, a label or a tag may not have.
INVISIBLE: Final = re.compile(f"[{_BIDI}{_UNSEEN}]|{_JOINER}")

_ANY: Final = f"[{_CONTROLS}{_LINES}{_BIDI}{_UNSEEN}{_UNWRITABLE}]|{_JOINER}"
# A carriage return alone goes back over what is written; before a newline it is part of it.
_ANY_BUT_LINES: Final = (
    f"\r\n|[\x00-\x08\x0b-\x1f\x7f-\x9f{_LINES}{_BIDI}{_UNSEEN}{_UNWRITABLE}]|{_JOINER}"
)
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\r\n": "\n"}


def terminal_text(text: str, *, multiline: bool = False) -> str:
    r"""Return a text in which all that steers a terminal, or that nobody sees, is written out.

    ``\x1b``, ``\x9b``, ``\u202e``, ``\u200b``, ``\udcff`` and their like become these very letters.
    What remains can be encoded as UTF-8 and stands in XML.

    Args:
        text: any text, such as a label, a title or an exception's message.
        multiline: whether newlines and tabs stay as they are.
    """
    if text.isprintable():
        return text
    return _compiled(_ANY_BUT_LINES if multiline else _ANY).sub(_written_out, text)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # When it is first needed: nearly all text is printable, and a help page waits for no pattern.
    return re.compile(pattern)


def _written_out(match: re.Match[str]) -> str:
    found = match[0]
    short = _SHORT.get(found)
    if short is not None:
        return short
    code = ord(found)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
