"""The SDK's application: which client logs in, with which scopes, and where tokens are kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from globus_sdk import ConfidentialAppAuthClient, NativeAppAuthClient
from globus_sdk.globus_app import ClientApp, GlobusApp, GlobusAppConfig, UserApp
from globus_sdk.scopes import (
    AuthScopes,
    ComputeScopes,
    FlowsScopes,
    GCSCollectionScopes,
    SpecificFlowScopes,
    TransferScopes,
)
from globus_sdk.token_storage import JSONTokenStorage

from headrace.hosted.errors import HostedError
from headrace.hosted.sdk_clients import Transport

APP_NAME = "headrace"
CLIENT_ID = "GLOBUS_CLIENT_ID"
CLIENT_SECRET = "GLOBUS_CLIENT_SECRET"  # noqa: S105 - the name of a variable


def state_home() -> Path:
    """Return headrace's directory for a user's state, as the platform has it."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "headrace"
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "headrace"


def token_file() -> Path:
    """Return the file with the tokens of the Globus client in use."""
    return state_home() / f"tokens.{_client_id()}.json"


def make_app(flow_ids: Iterable[str] = (), data_access: Iterable[str] = ()) -> GlobusApp:
    """Make the SDK's application: a user's or, with a secret, that of a service account.

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
        "scope_requirements": _scopes(flow_ids, data_access),
        "config": config,
    }
    client_id, secret = _client_id(), os.environ.get(CLIENT_SECRET)
    if secret:
        confidential = ConfidentialAppAuthClient(
            client_id, secret, app_name=APP_NAME, transport=Transport()
        )
        return ClientApp(APP_NAME, login_client=confidential, **arguments)
    native = NativeAppAuthClient(client_id, app_name=APP_NAME, transport=Transport())
    return UserApp(APP_NAME, login_client=native, **arguments)


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
