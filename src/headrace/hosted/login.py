"""Login to the hosted services: who, with which scopes, and where the tokens are kept."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import globus_sdk
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.globus_app import ClientApp, GlobusApp, GlobusAppConfig, UserApp
from globus_sdk.scopes import (
    AuthScopes,
    ComputeScopes,
    FlowsScopes,
    GCSCollectionScopes,
    Scope,
    SpecificFlowScopes,
    TransferScopes,
)
from globus_sdk.token_storage import JSONTokenStorage

from headrace.hosted.errors import HostedError, login_needed
from headrace.hosted.services import Services

CLIENT_ID = "GLOBUS_CLIENT_ID"
CLIENT_SECRET = "GLOBUS_CLIENT_SECRET"  # noqa: S105 - the name of a variable


def state_home() -> Path:
    """Returns headrace's directory for a user's state, as the platform has it."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "headrace"
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "headrace"


def token_file() -> Path:
    """Returns the file with the tokens of the Globus client in use."""
    return state_home() / f"tokens.{_client_id()}.json"


def make_app(flow_ids: Iterable[str] = (), data_access: Iterable[str] = ()) -> GlobusApp:
    """Makes the SDK's application: a user's or, with a secret, that of a service account.

    Args:
        flow_ids: flows whose runs shall be started.
        data_access: ids of the mapped collections that those runs read and write.

    Raises:
        HostedError: ``GLOBUS_CLIENT_ID`` is not set.
    """
    path = token_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        path.chmod(0o600)
    config = GlobusAppConfig(
        request_refresh_tokens=True,
        token_storage=JSONTokenStorage(path),
        # A program must not wait for somebody to type: commands say `headrace login` instead.
        token_validation_error_handler=None,
    )
    arguments: Mapping[str, Any] = {
        "client_id": _client_id(),
        "scope_requirements": _scopes(flow_ids, data_access),
        "config": config,
    }
    secret = os.environ.get(CLIENT_SECRET)
    if secret:
        return ClientApp("headrace", client_secret=secret, **arguments)
    return UserApp("headrace", **arguments)


def hosted_services(flow_ids: Iterable[str] = (), data_access: Iterable[str] = ()) -> Services:
    """Returns the hosted services.

    Args:
        flow_ids: flows whose runs shall be started.
        data_access: ids of the mapped collections that those runs read and write.

    Raises:
        HostedError: no login, or one without the scopes; exit code 4.
    """
    app = make_app(flow_ids, data_access)
    if app.login_required():
        if isinstance(app, UserApp):
            raise login_needed("no login at Globus, or one that lacks a scope")
        app.login()
    flows = globus_sdk.FlowsClient(app=app)
    return Services(
        flows=flows,
        compute=globus_sdk.ComputeClientV3(app=app),
        compute_v2=globus_sdk.ComputeClientV2(app=app),
        transfer=globus_sdk.TransferClient(app=app),
        make_flow=lambda flow_id: globus_sdk.SpecificFlowClient(flow_id, app=app),
        url=flows.base_url,
    )


def login(
    flow_ids: Iterable[str] = (),
    data_access: Iterable[str] = (),
    *,
    force: bool = False,
    consents: Sequence[str] = (),
) -> None:
    """Logs in; a user is led through the browser by the SDK.

    Args:
        flow_ids: flows whose runs shall be started.
        data_access: ids of the mapped collections that those runs read and write.
        force: also when the present login suffices.
        consents: further scopes to consent to, such as a run that waits names.

    Raises:
        HostedError: ``GLOBUS_CLIENT_ID`` is not set.
    """
    previous = os.umask(0o077)
    try:
        wanted = GlobusAuthorizationParameters(required_scopes=list(consents))
        make_app(flow_ids, data_access).login(
            auth_params=wanted if consents else None, force=force or bool(consents)
        )
    finally:
        os.umask(previous)


def logout() -> bool:
    """Revokes and removes the tokens.

    Returns:
        Whether there were any.

    Raises:
        HostedError: ``GLOBUS_CLIENT_ID`` is not set.
    """
    path = token_file()
    if not path.exists():
        return False
    make_app().logout()
    path.unlink(missing_ok=True)
    return True


def lacks_consent(flow_id: str, scopes: Sequence[str]) -> bool:
    """Returns whether the present login lacks a scope that a run of a flow waits for.

    Args:
        flow_id: the flow.
        scopes: what the run asks for.

    Raises:
        HostedError: ``GLOBUS_CLIENT_ID`` is not set.
    """
    app = make_app([flow_id])
    app.add_scope_requirements({flow_id: [Scope.parse(scope) for scope in scopes]})
    return app.login_required()


def login_seconds(now: float | None = None) -> float | None:
    """Returns for how long the present login lasts, seconds; None where it renews itself.

    Args:
        now: the present time, Unix seconds.

    Raises:
        HostedError: ``GLOBUS_CLIENT_ID`` is not set.
    """
    app = make_app()
    if isinstance(app, ClientApp):
        return None
    tokens = app.token_storage.token_storage.get_token_data_by_resource_server().values()
    ends = [token.expires_at_seconds for token in tokens if not token.refresh_token]
    return min(ends) - (now or time.time()) if ends else None


def whoami() -> dict[str, Any]:
    """Returns the identity that is logged in: ``sub``, ``preferred_username``, ``name``...

    Raises:
        HostedError: no login; exit code 4.
    """
    app = make_app()
    if app.login_required():
        raise login_needed("no login at Globus")
    return dict(globus_sdk.AuthClient(app=app).userinfo().data)


def _client_id() -> str:
    client_id = os.environ.get(CLIENT_ID)
    if not client_id:
        raise HostedError(
            f"{CLIENT_ID} is not set: register a native app at "
            "https://app.globus.org/settings/developers, export its id, "
            "then run `headrace login`",
            exit_code=4,
        )
    return client_id


def _scopes(flow_ids: Iterable[str], data_access: Iterable[str]) -> dict[str, list[Any]]:
    transfer = TransferScopes.all
    for collection_id in data_access:
        consent = GCSCollectionScopes(collection_id).data_access.with_optional(True)
        transfer = transfer.with_dependency(consent)
    scopes: dict[str, list[Any]] = {
        "auth.globus.org": [AuthScopes.openid, AuthScopes.profile, AuthScopes.email],
        FlowsScopes.resource_server: [FlowsScopes.all],
        ComputeScopes.resource_server: [ComputeScopes.all],
        TransferScopes.resource_server: [transfer],
    }
    for flow_id in flow_ids:
        scope = SpecificFlowScopes(flow_id).user
        # A mapped collection's data are a consent of their own, below Transfer's, below the flow's.
        scopes[flow_id] = [scope.with_dependency(transfer) if transfer.dependencies else scope]
    return scopes
