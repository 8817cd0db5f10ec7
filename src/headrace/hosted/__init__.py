"""Clients of the services that run flows: the hosted ones, or a facility's.

It promises one line for each error of a service, with the way out, and tokens that only their owner
can read. ``services`` names the clients of a target and reads documents;
``loopback_services`` are a facility's, ``sdk_clients`` makes their clients and keeps proxies out
of calls to this machine; ``account`` and ``application`` log in and keep tokens; ``errors``
explains what a service answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names
from headrace.hosted.errors import HostedError, NoAnswerError, explain, login_needed, sdk
from headrace.hosted.services import Services

if TYPE_CHECKING:
    from headrace.hosted.account import (
        hosted_services,
        lacks_consent,
        login,
        login_seconds,
        logout,
        whoami,
    )
    from headrace.hosted.application import token_file
    from headrace.hosted.loopback_services import services_at

__all__ = [
    "HostedError",
    "NoAnswerError",
    "Services",
    "explain",
    "hosted_services",
    "lacks_consent",
    "login",
    "login_needed",
    "login_seconds",
    "logout",
    "sdk",
    "services_at",
    "token_file",
    "whoami",
]

# The SDK takes its time to import: whoever only reports an error need not wait for it.
__getattr__ = lazy_names(__name__)
