r"""The one door to the terminal: all text goes through it, so that no data can steer a terminal.

Styles are written as marks that only this process knows, and become escape sequences here.
Whatever else would be an escape sequence comes from data, and is shown as ``\x1b`` and the like.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import Final, TextIO

from headrace._internal.terminal_text import terminal_text

_CODES: Final = {"red": 31, "green": 32, "yellow": 33, "cyan": 36}
_BOLD, _DIM = 1, 2
_NONCE: Final = os.urandom(8).hex()
_MARK: Final = re.compile(f"\x00{_NONCE}:([0-9;]*)\x00")


def style(text: str, *, fg: str | None = None, bold: bool = False, dim: bool = False) -> str:
    """Return text with a style, which a terminal shows and a pipe does not get.

    Args:
        text: the text, escaped where it is written.
        fg: ``red``, ``green``, ``yellow`` or ``cyan``.
        bold: whether it is bold.
        dim: whether it is dim.
    """
    codes = [_CODES[fg]] if fg else []
    codes += [code for code, wanted in ((_BOLD, bold), (_DIM, dim)) if wanted]
    if not codes or not text:
        return text
    return f"{_mark(';'.join(map(str, codes)))}{text}{_mark('0')}"


def one_line(text: str) -> str:
    """Return a text on one line, without anything that steers a terminal."""
    return terminal_text(" ".join(text.split()))


def rendered(text: str, *, colour: bool) -> str:
    """Return text as it is written: styles as escape sequences, those of data harmless.

    Args:
        text: what is to be written, with marks of :func:`style`.
        colour: whether styles are shown.
    """
    return "".join(
        (f"\x1b[{piece}m" if colour else "") if is_style else terminal_text(piece, multiline=True)
        for is_style, piece in _pieces(text)
    )


def write(text: str, *, err: bool = False, newline: bool = True) -> None:
    r"""Write text to standard output or standard error.

    Characters that the stream's encoding lacks are written as ``\xe9`` and the like.

    Args:
        text: the text; may have several lines.
        err: whether it goes to standard error.
        newline: whether a newline follows.
    """
    stream: TextIO | None = sys.stderr if err else sys.stdout
    if stream is None:
        return  # closed by who called
    shown = rendered(text, colour=has_colour(stream)) + ("\n" if newline else "")
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(shown.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def has_colour(stream: TextIO) -> bool:
    """Return whether a stream is a terminal whose user wants colours."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and stream.isatty()


def terminal_width() -> int | None:
    """Return the columns of the terminal that standard output is; None where it is none.

    The environment's ``COLUMNS`` is taken for it, as by other programs.
    """
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    import shutil  # only where somebody looks: it takes longer than most commands' own work

    return shutil.get_terminal_size().columns


def _mark(code: str) -> str:
    return f"\x00{_NONCE}:{code}\x00"


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    for number, piece in enumerate(_MARK.split(text)):
        yield bool(number % 2), piece
