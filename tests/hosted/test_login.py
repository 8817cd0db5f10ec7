from __future__ import annotations

import json
import stat
import time
import uuid
from pathlib import Path

import pytest

from headrace.hosted import (
    HostedError,
    hosted_services,
    lacks_consent,
    login_seconds,
    logout,
    token_file,
    whoami,
)
from headrace.hosted.application import make_app
from tests.support.ids import an_id

CLIENT = an_id("client")
FLOW = an_id("flow")


@pytest.fixture(autouse=True)
def _private_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GLOBUS_CLIENT_ID", CLIENT)
    monkeypatch.delenv("GLOBUS_CLIENT_SECRET", raising=False)


def test_without_a_client_id_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLOBUS_CLIENT_ID")
    with pytest.raises(HostedError, match=r"GLOBUS_CLIENT_ID is not set.*headrace login") as caught:
        hosted_services()
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("ask", [hosted_services, whoami])
def test_without_a_login_the_command_is_told_and_nobody_is_asked(ask: object) -> None:
    with pytest.raises(HostedError, match="run `headrace login`") as caught:
        ask()  # type: ignore[operator]
    assert caught.value.exit_code == 4


def test_scopes_of_flows_compute_and_each_flow_are_asked_for_once() -> None:
    scopes = make_app([FLOW]).scope_requirements
    assert {"flows.globus.org", "funcx_service", "auth.globus.org", FLOW} <= set(scopes)
    assert str(scopes[FLOW][0]).endswith(f"flow_{FLOW.replace('-', '_')}_user")


def test_mapped_collections_are_consented_to_below_transfer_below_each_flow() -> None:
    collection = str(uuid.UUID(int=7))
    [scope] = make_app([FLOW], [collection]).scope_requirements[FLOW]
    inner = f"*https://auth.globus.org/scopes/{collection}/data_access"
    assert str(scope).endswith(f"_user[urn:globus:auth:scope:transfer.api.globus.org:all[{inner}]]")


def test_a_service_account_has_its_own_kind_of_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBUS_CLIENT_SECRET", "secret")
    assert type(make_app()).__name__ == "ClientApp"


def test_tokens_lie_in_the_state_directory_for_their_owner_only(tmp_path: Path) -> None:
    from globus_sdk.token_storage import TokenStorageData

    app = make_app()
    store = app.token_storage.token_storage
    store.store_token_data_by_resource_server(
        {
            "flows.globus.org": TokenStorageData(
                resource_server="flows.globus.org",
                identity_id=None,
                scope="s",
                access_token="a",
                refresh_token="r",
                expires_at_seconds=int(time.time()) + 1000,
                token_type="Bearer",
            )
        }
    )
    path = token_file()
    assert path.parent == tmp_path / "state" / "headrace"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "flows.globus.org" in json.dumps(json.loads(path.read_text()))


def test_logging_out_twice_is_no_error() -> None:
    assert logout() is False


def _log_in(scope: str, refresh: str | None = "r", seconds: int = 1000) -> None:
    from globus_sdk.token_storage import TokenStorageData

    app = make_app([FLOW])
    tokens = {
        server: TokenStorageData(
            resource_server=server,
            identity_id=str(uuid.UUID(int=5)),
            scope=scope if server == FLOW else " ".join(map(str, scopes)),
            access_token="a",
            refresh_token=refresh,
            expires_at_seconds=int(time.time()) + seconds,
            token_type="Bearer",
        )
        for server, scopes in app.scope_requirements.items()
    }
    app.token_storage.token_storage.store_token_data_by_resource_server(tokens)


def test_a_consent_is_missing_until_the_login_has_it() -> None:
    user = str(make_app([FLOW]).scope_requirements[FLOW][0])
    more = f"https://auth.globus.org/scopes/{FLOW}/more"
    assert lacks_consent(FLOW, [more])
    _log_in(user)
    assert lacks_consent(FLOW, [more])
    assert not lacks_consent(FLOW, [user])
    _log_in(f"{user} {more}")
    assert not lacks_consent(FLOW, [more])


def test_a_login_lasts_as_long_as_its_first_token_or_renews_itself() -> None:
    assert login_seconds() is None
    user = str(make_app([FLOW]).scope_requirements[FLOW][0])
    _log_in(user, seconds=3600)
    assert login_seconds() is None
    _log_in(user, refresh=None, seconds=3600)
    left = login_seconds(now=time.time() + 600)
    assert left is not None
    assert 2990 < left <= 3000
