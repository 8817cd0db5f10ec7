"""Help: the documentation of the installed version, offline, with a search."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from markupsafe import Markup

from headrace.web.errors import PageMissing
from headrace.web.page import Page
from headrace.web.rendering import relative_url
from headrace.web.view import View
from headrace.web.views.help_pages import MAX_FOUND, help_pages, render_help, search_help

_LONGEST_QUERY: Final = 200


def _load_index(view: View) -> Mapping[str, Any]:
    words = view.query.get("q", "")[:_LONGEST_QUERY]
    pages = help_pages()
    return {
        "pages": pages,
        "words": words,
        "found": search_help(words),
        "most": MAX_FOUND,
    }


def _load_page(view: View) -> Mapping[str, Any]:
    page = help_pages().get(view.path["page"])
    if page is None:
        raise PageMissing(f"the documentation has no page {view.path['page']!r}: Help has a list")
    return {
        "title": page.title,
        "content": _content(page.name),
        "sections": [each for each in page.sections[1:] if each.anchor],
    }


@cache
def _content(name: str) -> Markup:
    """Return the content of a page, which is the same for all, and takes long where it is large."""

    def address_of(other: str, anchor: str) -> str:
        address = relative_url(f"help/{name}", f"help/{other}")
        return f"{address}#{anchor}" if anchor else address

    return render_help(help_pages()[name], address_of)


PAGES: Final = (
    Page(
        name="help",
        path="/help",
        title="Help",
        template="help/index.html",
        load=_load_index,
        menu="Help",
        rank=950,
    ),
    Page(
        name="help_page",
        path="/help/{page}",
        title="Help",
        template="help/page.html",
        load=_load_page,
    ),
)
