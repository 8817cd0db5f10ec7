"""Templates and libraries that the first requests would wait for, read before these come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from headrace.web.page import Page
from headrace.web.rendering import environment

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.web.site import Site

logger = logging.getLogger(__name__)


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
    """Read the templates of pages, and what each page prepares.

    A fault is left to the page, which says so where somebody asks for it.

    Args:
        site: the project whose pages they are.
        pages: the pages.
    """
    for page in sorted(pages, key=lambda page: page.rank):
        for template in (page.template, *(part.template for part in page.parts)):
            _attempt(page, partial(environment().get_template, template))
        if page.prepare is not None:
            _attempt(page, partial(_prepare, page.prepare, site))


def _prepare(prepare: Callable[[Project], None], site: Site) -> None:
    prepare(site.project())


def _attempt(page: Page, prepare: Callable[[], object]) -> None:
    try:
        prepare()
    except Exception as error:  # noqa: BLE001 - whatever a template or a project raises
        logger.info("page %s is not prepared: %s", page.name, error)
