"""Login to the hosted services: log in, log out, identity, consents."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

import globus_sdk
from globus_sdk import AuthAPIError, GlobusError, NetworkError
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.globus_app import ClientApp, GlobusApp, UserApp
from globus_sdk.scopes import Scope
from globus_sdk.token_storage import TokenValidationError

from headrace.hosted.application import make_app, token_file
from headrace.hosted.errors import HostedError, explain, explain_login, login_needed
from headrace.hosted.sdk_clients import Transport
from headrace.hosted.services import Clients, Services


def hosted_services(flow_ids: Iterable[str] = (), data_access: Iterable[str] = ()) -> Services:
    """Return the hosted services.

    Args:
        flow_ids: flows whose runs shall be started.
        data_access: ids of the mapped collections that those runs read and write.

    Raises:
        HostedError: no login, or one without the scopes; exit code 4.
    """
    flow_ids = list(flow_ids)
    app = make_app(flow_ids, data_access)
    _require_login(app)
    clients = Clients(
        flows=globus_sdk.FlowsClient(app=app, transport=Transport()),
        compute=globus_sdk.ComputeClientV3(app=app, transport=Transport()),
        compute_v2=globus_sdk.ComputeClientV2(app=app, transport=Transport()),
        transfer=globus_sdk.TransferClient(app=app, transport=Transport()),
        make_flow=lambda flow_id: globus_sdk.SpecificFlowClient(
            flow_id, app=app, transport=Transport()
        ),
        make_timers=lambda: _make_timers(app, flow_ids),
    )
    return Services(clients.flows.base_url, lambda: clients)


def login(
    flow_ids: Iterable[str] = (),
    data_access: Iterable[str] = (),
    *,
    force: bool = False,
    consents: Sequence[str] = (),
) -> None:
    """Log in; a user is led through the browser by the SDK.

    Args:
        flow_ids: flows whose runs shall be started.
        data_access: ids of the mapped collections that those runs read and write.
        force: also when the present login suffices.
        consents: further scopes to consent to, such as a run that waits names.

    Raises:
        HostedError: ``GLOBUS_CLIENT_ID`` is not set, the code was wrong, or there was none; exit
            code 4.
    """
    wanted = GlobusAuthorizationParameters(required_scopes=list(consents))
    app = make_app(flow_ids, data_access)
    if not force and not consents:
        fault = _stored_login_error(app) or _revocation_error(app)
        if isinstance(fault, NetworkError):
            raise explain(fault)
        if fault is None:
            return
    previous = os.umask(0o077)
    try:
        app.login(auth_params=wanted if consents else None, force=True)
    except EOFError as error:
        raise login_needed("no code was given, for nobody can type here") from error
    except AuthAPIError as error:
        if isinstance(app, UserApp) and error.http_status == 400:
            raise login_needed(
                "the code was not accepted: it is good once, for ten minutes"
            ) from error
        raise explain(error) from error
    finally:
        os.umask(previous)


def logout() -> bool:
    """Revoke and remove the tokens.

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
    """Return whether the present login lacks a scope that a run of a flow waits for.

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
    """Return for how long the present login lasts, seconds; None where it renews itself.

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
    """Return the identity that is logged in: ``sub``, ``preferred_username``, ``name``...

    Raises:
        HostedError: no login; exit code 4.
    """
    app = make_app()
    _require_login(app)
    return dict(globus_sdk.AuthClient(app=app, transport=Transport()).userinfo().data)


def _make_timers(app: GlobusApp, flow_ids: Iterable[str]) -> globus_sdk.TimersClient:
    """Make the client of timers, which start runs of flows for their user."""
    client = globus_sdk.TimersClient(app=app, transport=Transport())
    client.add_app_flow_user_scope(list(flow_ids))
    _require_login(app)
    return client


def _require_login(app: GlobusApp) -> None:
    """Require a login with all scopes; a service account logs in by itself.

    Raises:
        HostedError: somebody must log in, or a service does not answer.
    """
    fault = _stored_login_error(app)
    if fault is None:
        return
    if isinstance(app, UserApp) or not isinstance(fault, TokenValidationError):
        raise _hosted_error(fault, app) from fault
    try:
        app.login(force=True)
    except GlobusError as error:
        raise explain(error) from error


def _stored_login_error(app: GlobusApp) -> GlobusError | None:
    """Return why the stored login is not sufficient; None where it is."""
    for server in app.scope_requirements:
        try:
            app.get_authorizer(server)
        except GlobusError as error:
            return error
    return None


def _revocation_error(app: GlobusApp) -> GlobusError | None:
    """Return why Auth does not accept the stored login, which it may have revoked since."""
    try:
        globus_sdk.AuthClient(app=app, transport=Transport()).userinfo()
    except GlobusError as error:
        return error
    return None


def _hosted_error(fault: GlobusError, app: GlobusApp) -> HostedError:
    if isinstance(fault, TokenValidationError):
        return explain_login(fault, str(app.client_id))
    return explain(fault)
