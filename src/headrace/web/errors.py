"""Errors of pages.

HeadraceError
└── WebError            a page cannot be served; the message says why, and the way out
    ├── PageMissing     what the address names is not there
    ├── NotHere         the target cannot tell or do it
    └── NotAllowed      the session, or the request, may not
"""

from __future__ import annotations

from headrace.errors import HeadraceError


class WebError(HeadraceError):
    """A page cannot be served; the message says why, and the way out."""


class PageMissing(WebError):
    """Nothing is where the address points."""


class NotHere(WebError):
    """The target cannot tell or do it: the hosted services have no such call."""


class NotAllowed(WebError):
    """The session, or the request, may not do it."""
