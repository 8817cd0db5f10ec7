"""Addresses of action providers: old ones, and those that nearly are one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final
from urllib.parse import urlsplit

TRANSFER: Final = "https://transfer.actions.globus.org"
COMPUTE: Final = "https://compute.actions.globus.org"
ACTIONS: Final = "https://actions.globus.org"
AUTOMATE: Final = "https://actions.automate.globus.org"
FLOWS: Final = "https://flows.globus.org"

_FLOW: Final = re.compile(r"https://flows\.(automate\.)?globus\.org/flows/[^/]+")
# The service appends these to a provider's address by itself.
_OPERATIONS: Final = ("/run", "/status", "/cancel", "/release", "/resume", "/actions")
# All providers of these hosts are known.
_COMPLETE: Final = frozenset({TRANSFER, COMPUTE})
_HOSTS: Final = (TRANSFER, COMPUTE, ACTIONS, FLOWS)
# Hosts of Globus's that have no action providers, with the ones that do what they do.
_NO_PROVIDERS: Final = {
    "app.globus.org": None,
    "www.globus.org": None,
    "docs.globus.org": None,
    "auth.globus.org": None,
    "groups.api.globus.org": None,
    "transfer.api.globus.org": f"{TRANSFER}/transfer",
    "transfer.api.globusonline.org": f"{TRANSFER}/transfer",
    "search.api.globus.org": f"{ACTIONS}/search/ingest",
    "compute.api.globus.org": f"{COMPUTE}/v3",
}

# Addresses that answer no more, with what has taken their place; the longer ones first.
_GONE: Final = {
    f"{host}/transfer/{old}": f"{TRANSFER}/{new}"
    for host in (ACTIONS, AUTOMATE)
    for old, new in {
        "transfer": "transfer",
        "delete": "delete",
        "ls": "ls",
        "mkdir": "mkdir",
        "set_permission": "manage_permission",
        "collection_info": "collection_info",
    }.items()
} | {f"{host}/transfer": TRANSFER for host in (ACTIONS, AUTOMATE)}
_FUNCX: Final = ("https://automate.funcx.org", "https://api.funcx.org/automate")
_OLD: Final = {
    AUTOMATE: ACTIONS,
    "https://flows.automate.globus.org": FLOWS,
    **dict.fromkeys(_FUNCX, f"{COMPUTE}/v3"),
}


@dataclass(frozen=True)
class Nearest:
    """Suggestion for an address that is hardly meant.

    Attributes:
        why: what is wrong with it.
        address: the known address that it comes next to; None where none does.
    """

    why: str
    address: str | None


def is_flow(url: str) -> bool:
    """Say whether an address is that of a flow, called as an action provider."""
    return _FLOW.match(url) is not None


def replacement(url: str) -> tuple[str, bool] | None:
    """Return what has taken a provider's place, and whether the old address is shut down."""
    for gone, table in ((True, _GONE), (False, _OLD)):
        for old, new in table.items():
            if url == old or url.startswith(old + "/"):
                return (new if gone else new + url.removeprefix(old)), gone
    return None


def nearest_address(url: str, known: Collection[str]) -> Nearest | None:
    """Return what is wrong with an address that nearly is a known one; None where nothing is.

    Args:
        url: the address.
        known: the addresses of all known providers.
    """
    address = url.rstrip("/")
    parts = urlsplit(address)
    host = f"{parts.scheme}://{parts.netloc}".lower()
    if address in known or parts.scheme not in {"http", "https"}:
        return None
    for operation in _OPERATIONS:
        base = address.removesuffix(operation)
        if base != address and (base in known or is_flow(base)):
            return Nearest(f"the service appends {operation} by itself", base)
    if re.search(r"\s", url):
        return Nearest("an address has no blanks", re.sub(r"\s", "", address))
    if parts.netloc.lower() in _NO_PROVIDERS:
        meant = _NO_PROVIDERS[parts.netloc.lower()]
        if parts.path.startswith("/flows/"):
            meant = FLOWS + parts.path
        return Nearest(f"{parts.netloc} has no action providers", meant)
    if is_flow(address):
        return None
    if host in _COMPLETE:
        near = _near_path(address, host, known, 0.6)
        return Nearest(f"{parts.netloc} has no provider {parts.path or '/'}", near)
    if host in _HOSTS:
        near = _near_path(address, host, known, 0.75)
        return Nearest("no known provider has this address", near) if near else None
    netloc = _near(parts.netloc.lower(), [urlsplit(h).netloc for h in _HOSTS], 0.9)
    if netloc is not None:
        meant = f"https://{netloc}{parts.path}"
        return Nearest(f"{parts.netloc} is no host of Globus's, but {netloc} is", meant)
    return None


def _near(name: str, names: list[str], cutoff: float) -> str | None:
    close = get_close_matches(name, names, 1, cutoff) if len(name) <= 200 else []
    return close[0] if close else None


def _near_path(address: str, host: str, known: Collection[str], cutoff: float) -> str | None:
    """Return the known address of a host whose path comes nearest."""
    paths = [one.removeprefix(host) for one in known if one.startswith(f"{host}/")]
    path = _near(address[len(host) :], paths, cutoff)
    return None if path is None else host + path
