"""Python, dill and parsl at an endpoint and at its workers, compared."""

from __future__ import annotations

import platform
from collections.abc import Mapping

# Functions travel as source and data as JSON, so another Python runs them all the same; what
# clients of the Compute SDK send as dill needs the same minor version, and parsl speaks a
# protocol of its own.
_PACKAGES = ("dill", "parsl")
_ENDPOINT_PACKAGES = ("globus-compute-endpoint", "globus-compute-sdk", "headrace")


def own_versions() -> dict[str, str]:
    """Return the versions of this process: ``python``, and the packages that are installed.

    Those are ``dill``, ``parsl``, ``globus-compute-endpoint``, ``globus-compute-sdk`` and
    ``headrace``.
    """
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in (*_PACKAGES, *_ENDPOINT_PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def mismatch(endpoint: Mapping[str, str], workers: Mapping[str, str]) -> str:
    """Name in one line what differs; empty where nothing does that matters.

    Args:
        endpoint: versions at the endpoint, by name.
        workers: versions at the workers; those that are missing are not compared.
    """
    differing = [
        name
        for name, own in endpoint.items()
        if name in workers and _significant(name, own) != _significant(name, workers[name])
    ]
    if not differing:
        return ""
    theirs = ", ".join(f"{name} {workers[name]}" for name in differing)
    ours = ", ".join(f"{name} {endpoint[name]}" for name in differing)
    return (
        f"the workers have {theirs}, the endpoint {ours}: "
        "install the same for both, or activate the endpoint's environment in worker_init"
    )


def _significant(name: str, text: str) -> str:
    # 3.12.1 and 3.12.7 understand each other.
    return ".".join(text.split(".")[:2]) if name == "python" else text
