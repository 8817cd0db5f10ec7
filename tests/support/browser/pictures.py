"""Pictures of pages for the documentation, made by the tests where they are asked for.

`make pictures` names the directory in HEADRACE_PICTURES.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

MOST_BYTES = 80_000


def take_picture(page: Page, name: str, *, full_page: bool = False) -> Path | None:
    """Write `NAME.webp` of what is seen, where pictures are asked for.

    Args:
        page: the page, as it shall be seen.
        name: of the file, without its ending.
        full_page: all of the page, and not only what the window shows.

    Returns:
        The file, or None where no pictures are asked for.
    """
    folder = os.environ.get("HEADRACE_PICTURES")
    if not folder:
        return None
    shot = page.screenshot(full_page=full_page, animations="disabled", caret="hide")
    path = Path(folder) / f"{name}.webp"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_small(shot, name))
    return path


def _small(shot: bytes, name: str) -> bytes:
    """Return a picture as WebP: without loss where it is small enough."""
    with Image.open(io.BytesIO(shot)) as image:
        picture = image.convert("RGB")
    for quality in (100, 90, 80, 70, 60):
        file = io.BytesIO()
        picture.save(file, "WEBP", lossless=quality == 100, quality=quality)
        if file.tell() <= MOST_BYTES:
            return file.getvalue()
    raise AssertionError(f"the picture {name} takes {file.tell()} bytes, not {MOST_BYTES}")
