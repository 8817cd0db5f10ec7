"""The services that flows run at, through globus-sdk's clients: hosted, or a facility's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.hosted.errors import HostedError, explain, login_needed
from headrace.hosted.services import Services

if TYPE_CHECKING:
    from headrace.hosted.local import services_at
    from headrace.hosted.login import (
        hosted_services,
        lacks_consent,
        login,
        login_seconds,
        logout,
        token_file,
        whoami,
    )

__all__ = [
    "HostedError",
    "Services",
    "explain",
    "hosted_services",
    "lacks_consent",
    "login",
    "login_needed",
    "login_seconds",
    "logout",
    "services_at",
    "token_file",
    "whoami",
]

# The SDK takes its time to import: whoever only reports an error need not wait for it.
_HOMES = {
    "services_at": "headrace.hosted.local",
    "hosted_services": "headrace.hosted.login",
    "lacks_consent": "headrace.hosted.login",
    "login": "headrace.hosted.login",
    "login_seconds": "headrace.hosted.login",
    "logout": "headrace.hosted.login",
    "token_file": "headrace.hosted.login",
    "whoami": "headrace.hosted.login",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
