"""Documentation of headrace as pages: read, rendered and searched without the internet."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

_HEADING: Final = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*")
_FENCE: Final = re.compile(r"\s{0,3}(```|~~~)")
_LINK: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_PICTURE: Final = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_MARKS: Final = re.compile(r"[`*]")
_NO_SLUG: Final = re.compile(r"[^\w\- ]")
_EXCERPT: Final = 240
MAX_FOUND: Final = 50
"""Sections that a search returns at most."""


@dataclass(frozen=True)
class HelpSection:
    """Section of a page.

    Attributes:
        page: the page's name.
        title: of the section.
        anchor: where it is on the page.
        text: its words, without marks.
    """

    page: str
    title: str
    anchor: str
    text: str


@dataclass(frozen=True)
class HelpPage:
    """Page of the documentation.

    Attributes:
        name: its name, such as ``campaigns``.
        title: its first heading.
        summary: its first paragraph.
        source: its text, Markdown.
        sections: its sections.
    """

    name: str
    title: str
    summary: str
    source: str
    sections: tuple[HelpSection, ...]


def help_directory() -> Path:
    """Return where the documentation lies: in the package, or in the sources beside it."""
    own = Path(str(files("headrace.web"))) / "docs"
    return own if own.is_dir() else Path(__file__).resolve().parents[4] / "docs"


@lru_cache(maxsize=1)
def help_pages() -> dict[str, HelpPage]:
    """Return the pages of the documentation by name; those of the installed version."""
    paths = {path.stem: path for path in help_directory().glob("*.md")}
    return {name: _read(paths[name]) for name in sorted(paths)}


def render_help(page: HelpPage, address_of: Callable[[str, str], str]) -> Markup:
    """Return a page as HTML; HTML in its text is text.

    Args:
        page: the page.
        address_of: returns the address of a page of the documentation, by its name and an anchor
            there, which may be empty.
    """
    reader = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = reader.parse(page.source)
    _name_headings(tokens)
    _rewrite_links(tokens, address_of)
    tokens = _without_pictures(_without_title(tokens))
    # The renderer escapes every text, and HTML is switched off.
    return Markup(reader.renderer.render(tokens, reader.options, {}))  # noqa: S704


def search_help(words: str) -> list[tuple[HelpSection, str]]:
    """Return the sections that have all words, with an excerpt; those that name them first.

    Args:
        words: words in any order.
    """
    wanted = words.lower().split()
    if not wanted:
        return []
    found = []
    for page in help_pages().values():
        for section in page.sections:
            title, text = f"{page.title} {section.title}".lower(), section.text.lower()
            if all(word in title or word in text for word in wanted):
                named = sum(word in title for word in wanted)
                often = sum(text.count(word) for word in wanted)
                found.append((named, often, section))
    found.sort(key=lambda each: each[:2], reverse=True)
    return [(section, _excerpt(section.text, wanted)) for _, _, section in found[:MAX_FOUND]]


def anchor_of(title: str) -> str:
    """Return the anchor of a heading, as code hosts make it.

    Args:
        title: the heading, without marks.
    """
    return _NO_SLUG.sub("", title.strip().lower()).replace(" ", "-")


class _Renderer(RendererHTML):
    """Wide parts scroll within themselves, by keyboard too."""

    def table_open(self, tokens: Sequence[Token], at: int, *_: Any) -> str:
        return '<div class="wide" tabindex="0" role="group" aria-label="Table"><table>\n'

    def table_close(self, tokens: Sequence[Token], at: int, *_: Any) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], at: int, *_: Any) -> str:
        return '<th scope="col">'

    def td_open(self, tokens: Sequence[Token], at: int, *_: Any) -> str:
        return "<td>"

    def fence(self, tokens: Sequence[Token], at: int, *_: Any) -> str:
        return _code(tokens[at].content)

    def code_block(self, tokens: Sequence[Token], at: int, *_: Any) -> str:
        return _code(tokens[at].content)

    def image(self, tokens: Sequence[Token], at: int, *_: Any) -> str:
        return f'<span class="quiet">(picture: {escapeHtml(tokens[at].content)})</span>'


def _code(text: str) -> str:
    shown = escapeHtml(text)
    return f'<pre tabindex="0" role="group" aria-label="Code"><code>{shown}</code></pre>\n'


def _name_headings(tokens: Sequence[Token]) -> None:
    known: dict[str, int] = {}
    for token, inner in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _unique(anchor_of(_plain(inner.content)), known))


def _without_title(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens without the first heading, which is the title of the page."""
    ends = [at for at, token in enumerate(tokens) if token.type == "heading_close"]
    starts_so = bool(tokens) and tokens[0].type == "heading_open" and tokens[0].tag == "h1"
    return [*tokens[ends[0] + 1 :]] if starts_so else [*tokens]


def _without_pictures(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens without paragraphs of pictures alone: the pages themselves are at hand."""
    found: list[Token] = []
    for token in tokens:
        before = found[-1] if found else None
        if token.type == "paragraph_close" and before is not None and _is_pictures(before):
            del found[-2:]
        else:
            found.append(token)
    return found


def _is_pictures(token: Token) -> bool:
    kinds = {child.type for child in token.children or ()}
    return token.type == "inline" and "image" in kinds and kinds <= {"image", "softbreak"}


def _unique(anchor: str, known: dict[str, int]) -> str:
    number = known.get(anchor, 0)
    known[anchor] = number + 1
    return f"{anchor}-{number}" if number else anchor


def _rewrite_links(tokens: Sequence[Token], address_of: Callable[[str, str], str]) -> None:
    for token in tokens:
        closed: list[bool] = []
        for child in token.children or ():
            if child.type == "link_open":
                address = _address(str(child.attrGet("href") or ""), address_of)
                closed.append(address is None)
                if address is None:
                    child.tag, child.attrs = "span", {}
                else:
                    child.attrSet("href", address)
                    child.attrSet("rel", "noreferrer")
            elif child.type == "link_close" and closed and closed.pop():
                child.tag = "span"


def _address(href: str, address_of: Callable[[str, str], str]) -> str | None:
    """Return where a link leads to; None for a file that is no page here."""
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return href if parts.scheme in ("http", "https") else None
    if not parts.path:
        return f"#{parts.fragment}"
    path = posixpath.normpath(parts.path)
    name = path.removesuffix(".md")
    return address_of(name, parts.fragment) if name != path and name in help_pages() else None


def _read(path: Path) -> HelpPage:
    source = path.read_text(encoding="utf-8")
    sections = [*_sections(path.stem, source)]
    tokens = MarkdownIt("commonmark").parse(source)
    paragraphs = (
        _plain(inner.content)
        for opening, inner in pairwise(tokens)
        if opening.type == "paragraph_open" and opening.level == 0
    )
    summary = next((" ".join(each.split()) for each in paragraphs if each.strip()), "")
    return HelpPage(path.stem, sections[0].title, summary, source, tuple(sections))


def _sections(page: str, source: str) -> Iterator[HelpSection]:
    title, anchor, lines = page, "", list[str]()
    known: dict[str, int] = {}
    fence = ""
    for line in source.splitlines():
        opened = _FENCE.match(line)
        if opened:
            fence = "" if fence == opened[1] else fence or opened[1]
        heading = None if fence else _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        if lines or anchor:
            yield HelpSection(page, title, anchor, _plain("\n".join(lines)))
        title, lines = _plain(heading[2]), []
        anchor = _unique(anchor_of(title), known)
    yield HelpSection(page, title, anchor, _plain("\n".join(lines)))


def _plain(text: str) -> str:
    return _MARKS.sub("", _LINK.sub(r"\1", _PICTURE.sub("", text)))


def _excerpt(text: str, words: Sequence[str]) -> str:
    flat = " ".join(text.split())
    places = [at for word in words if (at := flat.lower().find(word)) >= 0]
    start = max(0, min(places, default=0) - _EXCERPT // 3)
    end = start + _EXCERPT
    return f"{'... ' if start else ''}{flat[start:end]}{' ...' if end < len(flat) else ''}"
