"""All pages: those of this package, and those that other packages bring.

A package announces a page by an entry point of the group ``headrace.web_pages``, whose object is a
`Page` or a sequence of them. The pages of headrace's own pipelines come in the same way, so that
this package imports no pipeline.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from headrace._internal.entry_points import EntryPoint, entry_points
from headrace.web.errors import WebError
from headrace.web.page import Page
from headrace.web.pages import PAGES
from headrace.web.view import View

logger = logging.getLogger(__name__)

ENTRY_POINT_GROUP: Final = "headrace.web_pages"

_RESERVED: Final = ("events", "files", "login", "logout", "static", "unusable")
"""First parts of addresses that are no page's."""


def all_pages() -> tuple[Page, ...]:
    """Return all pages.

    An entry point that cannot be used is a page that says why, so that the others are served.
    """
    found = list(PAGES)
    entries = sorted(entry_points(ENTRY_POINT_GROUP), key=lambda entry: (entry.name, entry.value))
    for entry in entries:
        try:
            pages = tuple(_pages_of(entry))
            for page in pages:
                _refuse_if_taken(page, found)
        except Exception as error:  # noqa: BLE001 - whatever an outside package raises
            pages = (_unusable(entry, error),)
        found += pages
    return tuple(found)


def _pages_of(entry: EntryPoint) -> Iterator[Page]:
    loaded = entry.load()
    several = loaded if isinstance(loaded, Sequence) else (loaded,)
    for page in several:
        if not isinstance(page, Page):
            raise WebError("it is not a Page, nor a sequence of them")
        yield page


def _refuse_if_taken(page: Page, others: Sequence[Page]) -> None:
    if not page.path.startswith("/") or page.path.split("/")[1] in ("", *_RESERVED):
        raise WebError(f"its address {page.path!r} is none that a page may have")
    for other in others:
        if page.name == other.name:
            raise WebError(f"there is a page {page.name} already, at {other.path}")
        if page.path == other.path:
            raise WebError(f"the page {other.name} is at {page.path} already")


def _unusable(entry: EntryPoint, error: Exception) -> Page:
    package = entry.dist.name if entry.dist else "unknown"
    fault = str(error) if isinstance(error, WebError) else f"{type(error).__name__}: {error}"
    text = " ".join(f"{entry.value} of the package {package} cannot be used: {fault}".split())
    logger.warning("page %s: %s", entry.name, text)

    def load(view: View) -> Mapping[str, Any]:
        raise WebError(text)

    address = "".join(one if one.isalnum() or one in "-_" else "_" for one in entry.value)
    return Page(
        name=f"unusable {entry.name} {entry.value}",
        path=f"/unusable/{address}",
        title=entry.name,
        template="problem.html",
        load=load,
        menu=f"{entry.name} (not usable)",
        rank=990,
    )
