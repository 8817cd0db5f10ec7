"""Addresses of action providers and of states that act as one.

An action provider has a URL of its own. All other handlers get a URN, so that a state has one
address whatever answers it, and who executes a flow finds the handler by its prefix.
"""

from __future__ import annotations

import re
from typing import Final

# The states that ask people: their Parameters and answers are those of ``web_inputs``.
CREATE_WEB_INPUT: Final = "urn:headrace:web-input:create"
AWAIT_WEB_INPUT: Final = "urn:headrace:web-input:await"
# Followed by the id of the registered API.
REGISTERED_API: Final = "urn:globus:flows:registered-api:"
# Followed by who hosts the API, the service and the route: ``globus:GROUPS.LIST_MY_GROUPS``.
HANDLE: Final = "urn:globus:flows:handle:"

# The members of Handler, by its Type.
HANDLER_FIELDS: Final = {
    "ActionProvider": ("Type", "Url", "Scope"),
    "RegisteredAPI": ("Type", "Id"),
}

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HANDLE_FORM: Final = re.compile(re.escape(HANDLE) + r"[^:\s]+:[^.:\s]+\.[^:\s]+")


def is_handle(text: str) -> bool:
    """Say whether a text is the URN of a hosted handler."""
    return _HANDLE_FORM.fullmatch(text) is not None


def registered_api(url: str) -> str | None:
    """Return the id of the registered API that an address names, or None if it names none."""
    return url.removeprefix(REGISTERED_API) if url.startswith(REGISTERED_API) else None
