"""Pictures of pages for the documentation: small, and without names of their maker's machine.

`make pictures` names the directory in HEADRACE_PICTURES.
"""

from __future__ import annotations

import getpass
import io
import os
import re
import socket
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page as BrowserPage

from headrace.web.page import Page

WIDTH = 1280
MOST_HEIGHT = 1000
COLOURS = 64
DIRECTORY = "/home/ana/inversion"
"""Where the project lies in pictures."""
MACHINE = "workstation"
PORT = "127.0.0.1:8090"

ID = "00000000-0000-4000-8000-"
"""Beginning of ids in pictures; a number of 12 digits follows."""

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# Each id has a number instead, the same wherever it stands on the page.
_MASK = f"""
names => {{
    const ids = new Map();
    const number = id => {{
        if (!ids.has(id)) ids.set(id, ids.size + 1);
        return '{ID}' + String(ids.get(id)).padStart(12, '0');
    }};
    const neutral = text => names.reduce(
        (text, [from, to]) => text.replace(new RegExp(from, 'g'), to),
        text.replace(/{_UUID}/g, number));
    const texts = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {{
        const changed = neutral(texts.currentNode.data);
        if (changed !== texts.currentNode.data) texts.currentNode.data = changed;
    }}
    for (const one of document.querySelectorAll('input:not([type=hidden]), textarea'))
        one.value = neutral(one.value);
}}
"""
_SEEN = """() => [document.body.innerText,
    ...[...document.querySelectorAll('input:not([type=hidden]), textarea')].map(one => one.value),
].join('\\n')"""


def pictures_directory() -> Path | None:
    """Return where pictures are asked for; None where nobody does."""
    named = os.environ.get("HEADRACE_PICTURES")
    return Path(named) if named else None


def picture_name(page: Page) -> str:
    """Return the name of the file of a page's picture."""
    return f"{page.name.replace(' ', '_')}.png"


def own_names(root: Path) -> list[tuple[str, str]]:
    """Return patterns of what is this machine's alone, and what stands in pictures instead.

    Args:
        root: the project, in a temporary directory.
    """
    found = [
        (re.escape(str(root)), DIRECTORY),
        (re.escape(str(root.parent)), str(Path(DIRECTORY).parent)),
        (r"127\.0\.0\.1:\d+", PORT),
    ]
    found += [
        (rf"\b{re.escape(name)}\b", MACHINE)
        for name in dict.fromkeys((socket.getfqdn(), socket.gethostname()))
        if name != "localhost"
    ]
    found += [(rf"\b{re.escape(getpass.getuser())}@", "ana@")]
    return found


def picture_of(page: BrowserPage, names: Sequence[tuple[str, str]]) -> bytes:
    """Return a picture of the upper part of a page, as PNG with a palette.

    Args:
        page: the page, as it shall be seen.
        names: patterns of what may not be seen, and what stands there instead.

    Raises:
        AssertionError: a part came anew with such a name each time.
    """
    for _ in range(10):
        page.evaluate(_MASK, [list(each) for each in names])
        height = page.evaluate("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": min(height, MOST_HEIGHT)}
        shot = page.screenshot(full_page=True, clip=clip, animations="disabled", caret="hide")  # type: ignore[arg-type]
        leaks = _leaks(page.evaluate(_SEEN), names)
        if not leaks:
            return _small(shot)
    raise AssertionError(f"{page.url}: it shows {leaks}")


def _leaks(text: str, names: Sequence[tuple[str, str]]) -> list[str]:
    found = [one for pattern, own in names for one in re.findall(pattern, text) if one != own]
    ids = [one for one in re.findall(_UUID, text) if not one.startswith(ID)]
    return found + ids


def _small(shot: bytes) -> bytes:
    with Image.open(io.BytesIO(shot)) as image:
        picture = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
