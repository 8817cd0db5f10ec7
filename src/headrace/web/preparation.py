"""Templates and libraries that the first requests would wait for, read before these come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from headrace.web.page import Page
from headrace.web.rendering import environment

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.web.site import Site

logger = logging.getLogger(__name__)

# A step goes on after so long while pages are asked for all the time.
_MOST_SECONDS: Final = 0.5


def start_preparation(site: Site, pages: Sequence[Page]) -> threading.Thread:
    """Start a thread that prepares pages, and return it; requests are answered meanwhile.

    Args:
        site: the project whose pages they are.
        pages: the pages.
    """
    thread = threading.Thread(target=prepare_pages, args=(site, pages), daemon=True)
    thread.start()
    return thread


def prepare_pages(site: Site, pages: Sequence[Page]) -> None:
    """Read the templates of pages, and what each page prepares, while no page is asked for.

    A fault is left to the page, which says so where somebody asks for it.

    Args:
        site: the project whose pages they are.
        pages: the pages.
    """
    for name in filter(_is_shared, environment().list_templates()):
        site.under_way.wait_for_none(_MOST_SECONDS)
        environment().get_template(name)
    for page in sorted(pages, key=lambda page: page.rank):
        for template in (page.template, *(part.template for part in page.parts)):
            site.under_way.wait_for_none(_MOST_SECONDS)
            _attempt(page, partial(environment().get_template, template))
        if page.prepare is not None:
            site.under_way.wait_for_none(_MOST_SECONDS)
            _attempt(page, partial(_prepare, page.prepare, site))


def _is_shared(template: str) -> bool:
    return template == "base.html" or template.startswith("macros/")


def _prepare(prepare: Callable[[Project], None], site: Site) -> None:
    prepare(site.project())


def _attempt(page: Page, prepare: Callable[[], object]) -> None:
    try:
        prepare()
    except Exception as error:  # noqa: BLE001 - whatever a template or a project raises
        logger.info("page %s is not prepared: %s", page.name, error)
