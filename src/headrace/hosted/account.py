"""Login to the hosted services: in, out, who it is, and what it allows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

import globus_sdk
from globus_sdk.gare import GlobusAuthorizationParameters
from globus_sdk.globus_app import ClientApp, UserApp
from globus_sdk.scopes import Scope

from headrace.hosted.application import make_app, token_file
from headrace.hosted.errors import login_needed
from headrace.hosted.services import Services
from headrace.hosted.transport import Transport


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
    flows = globus_sdk.FlowsClient(app=app, transport=Transport())
    return Services(
        flows=flows,
        compute=globus_sdk.ComputeClientV3(app=app, transport=Transport()),
        compute_v2=globus_sdk.ComputeClientV2(app=app, transport=Transport()),
        transfer=globus_sdk.TransferClient(app=app, transport=Transport()),
        make_flow=lambda flow_id: globus_sdk.SpecificFlowClient(
            flow_id, app=app, transport=Transport()
        ),
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
    return dict(globus_sdk.AuthClient(app=app, transport=Transport()).userinfo().data)
