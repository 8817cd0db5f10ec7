"""An ordinary user, and a real endpoint of theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.compute_user import COMPUTE_PORT, Namespace, SharedUser, User, port_is_free


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


@pytest.fixture(scope="session")
def shared_user() -> Iterator[SharedUser]:
    shared = SharedUser()
    yield shared
    shared.close()


@pytest.fixture(scope="module")
def user(namespace: Namespace, shared_user: SharedUser) -> User:
    """A user whose endpoint `machine` of the template `local` runs."""
    return shared_user.running(namespace)
