"""An ordinary user, and a real endpoint of theirs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.compute_user import COMPUTE_PORT, Namespace, User, port_is_free


@pytest.fixture(scope="session")
def namespace() -> Iterator[Namespace]:
    pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
    from headrace.facility.compute_service import missing_broker

    if missing := missing_broker():
        pytest.skip(missing)
    if not port_is_free():
        pytest.skip(f"port {COMPUTE_PORT}, which the Compute SDK insists on, is taken")
    namespace = Namespace()
    try:
        if not namespace.works():
            pytest.skip("no ordinary user can run this environment's Python, and user namespaces "
                        "are not allowed")  # fmt: skip
        yield namespace
    finally:
        namespace.close()


@pytest.fixture(scope="module")
def user(namespace: Namespace) -> Iterator[User]:
    """A user whose endpoint `machine` of the template `local` runs."""
    with tempfile.TemporaryDirectory(prefix="headrace", ignore_cleanup_errors=True) as directory:
        user = User(Path(directory), namespace.prefix, {})
        try:
            user.begin()
            user.headrace("endpoint", "create", "machine")
            user.headrace("endpoint", "start", "machine")
            yield user
        finally:
            user.close()
