"""Pages in a browser: see and steer a project's runs, triggers, campaigns and endpoints.

A client as the command line is: it asks the APIs of a target, and the work goes on when it dies.
``page`` is what a page says of itself, ``pages`` has them, ``page_registry`` those of others too,
``views`` makes what they show;
``security`` decides who may see and do what; ``app`` puts all together and ``server`` serves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.web.app import make_app
    from headrace.web.errors import NotAllowed, NotHere, PageMissing
    from headrace.web.page import Action, Again, Done, Page, Part, repeatable
    from headrace.web.server import serve
    from headrace.web.site import Site
    from headrace.web.view import View

__all__ = [
    "Action",
    "Again",
    "Done",
    "NotAllowed",
    "NotHere",
    "Page",
    "PageMissing",
    "Part",
    "Site",
    "View",
    "make_app",
    "repeatable",
    "serve",
]

__getattr__ = lazy_names(__name__)
