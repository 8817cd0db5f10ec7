"""This machine's own addresses, which no proxy can reach."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Final

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
# urllib and requests prefer the lower case, Go programs and curl read either.
_VARIABLES: Final = ("no_proxy", "NO_PROXY")


def without_proxy(named: str) -> str:
    """Return a value of ``no_proxy`` that names the loopback addresses beside what it names.

    Args:
        named: the present value, names separated by commas; ``*`` stands for every host.
    """
    names = [name for part in named.split(",") if (name := part.strip())]
    if "*" in names:
        return "*"
    return ",".join([*names, *(address for address in LOOPBACK if address not in names)])


def bypass_proxies(environment: MutableMapping[str, str] = os.environ) -> None:
    """Has this process, and what it starts, reach loopback addresses without a proxy.

    Login nodes often set ``http_proxy``, ``https_proxy`` or ``all_proxy`` for everything. Calls to
    other hosts go on using them. Programs of ours call this first.

    Args:
        environment: variables to change; those of this process by default.
    """
    # Where both are set, each program reads one of them: what either names is meant.
    named = ",".join(environment[name] for name in _VARIABLES if environment.get(name))
    value = without_proxy(",".join(dict.fromkeys(named.split(","))))
    for name in _VARIABLES:
        environment[name] = value
