"""Pages and their parts as HTML: every text is escaped, every address is relative."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from headrace.errors import HeadraceError
from headrace.web.errors import NotHere, PageMissing
from headrace.web.page import Page, Part
from headrace.web.part_cache import PartSession, PartText, RenderedPart
from headrace.web.template_loader import TemplateLoader
from headrace.web.view import View
from headrace.web.views.texts import FILTERS

if TYPE_CHECKING:
    from headrace.web.security.session import Session

logger = logging.getLogger(__name__)

# Seconds after which a part that could not be had is asked for again.
_FAILED_AGAIN: Final = 3.0

_UNEXPECTED: Final = "an unexpected fault of headrace; its log has what happened"


@cache
def environment() -> Environment:
    """Return the environment of all templates."""
    made = Environment(
        loader=TemplateLoader(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    return made


def relative_url(address: str, to: str) -> str:
    """Return a relative address, which holds behind any proxy whatever it puts before it.

    Args:
        address: address of the page that names it, from the site's root, without a leading slash.
        to: the address that is named, likewise; it may have a query.
    """
    up = "../" * address.count("/")
    return f"{up}{to}" or "./"


class PageRenderer:
    """Renders one page for one view.

    Args:
        page: the page.
        view: the request.
        menu: pages of the menu.
    """

    def __init__(self, page: Page, view: View, menu: Sequence[Page]) -> None:
        self._page = page
        self._view = view
        self._menu = menu
        # What changes while the page is made is told to its stream.
        self._since = view.site.broadcast.id(view.site.broadcast.number)

    def page(self, outcome: Mapping[str, Any] | None = None) -> str:
        """Return the page.

        Args:
            outcome: what an action came to that is told on it: ``ok`` and ``message``.

        Raises:
            PageMissing: what the address names is not there.
            HeadraceError: what the whole page needs cannot be had.
        """
        loaded = dict(self._page.load(self._view))
        return self.render(self._page.template, loaded, outcome)

    def part(self, part: Part, *, may_be_kept: bool = True) -> PartText:
        """Return a part of the page; what goes wrong with it is told in its place.

        The tokens of its forms are to be filled in (`part_cache.filled_in`).

        Args:
            part: the part.
            may_be_kept: whether it may be one that was rendered a moment ago.
        """
        view = self._view

        def render() -> RenderedPart:
            session = PartSession(view.session)
            of_part = replace(view, session=cast("Session", session))
            own = PageRenderer(self._page, of_part, self._menu)
            text, again = own._render_part(part)
            return RenderedPart(text, session.is_shared, again)

        if not may_be_kept:
            return view.site.parts.render(_topics(part, view), render)
        query = tuple(sorted(item for item in view.query.items() if item[0] != "part"))
        key = (view.address, query, view.session.role, part.name)
        return view.site.parts.get(key, _topics(part, view), render)

    def _render_part(self, part: Part) -> tuple[str, float | None]:
        """Return a part, and after how many seconds it is asked for again where it failed."""
        try:
            loaded = dict(part.load(self._view))
            values = {**self._common(), **loaded}
            return environment().get_template(part.template).render(values), None
        except PageMissing:
            raise
        except HeadraceError as error:
            if isinstance(error, NotHere):
                return self._failed(part, "missing here", str(error)), None
            return self._failed(part, "problem", str(error)), _FAILED_AGAIN
        except Exception:
            logger.exception("part %s of %s", part.name, self._view.address)
            return self._failed(part, "problem", _UNEXPECTED), _FAILED_AGAIN

    def render(
        self, template: str, values: Mapping[str, Any], outcome: Mapping[str, Any] | None = None
    ) -> str:
        """Return a template with what all pages have."""
        found = environment().get_template(template)
        title = values.get("title", self._page.title)
        return found.render({**self._common(), "outcome": outcome, **values, "title": title})

    def _failed(self, part: Part, kind: str, message: str) -> str:
        values = {**self._common(), "part_name": part.name, "kind": kind, "message": message}
        return environment().get_template("failed_part.html").render(values)

    def _common(self) -> dict[str, Any]:
        view, page = self._view, self._page

        def part(name: str) -> Markup:
            found = page.part(name)
            if found is None:
                raise LookupError(f"page {page.name} has no part {name!r}")
            topics = " ".join(_topics(found, view))
            # Who loads a page sees things as they are.
            inner = self.part(found, may_be_kept=False)
            again = "" if inner.again is None else f"{inner.again:.3f}"
            return Markup(
                '<div class="live" data-part="{}" data-topics="{}" data-every="{:g}" '
                'data-again="{}">{}</div>'
            ).format(found.name, topics, found.every, again, Markup(inner.text))  # noqa: S704 - a template's

        return {
            "view": view,
            "page": page,
            "menu": self._menu,
            "since": self._since,
            "now": datetime.now(UTC),
            "part": part,
            "url": lambda to: relative_url(view.shown_at or view.address, to),
        }


def _topics(part: Part, view: View) -> list[str]:
    return [topic.format_map(view.path) for topic in part.topics]
