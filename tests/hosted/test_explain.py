from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import globus_sdk
import pytest

from headrace.hosted import NoAnswerError, explain, services_at
from tests.support.flows_service import TOKEN, Service
from tests.support.ids import an_id


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


def refused(service: Service, status: int, document: dict[str, Any]) -> globus_sdk.GlobusAPIError:
    service.refuse["GET /flows/x"] = (status, document)
    with pytest.raises(globus_sdk.GlobusAPIError) as caught:
        services_at(service.url, TOKEN).flows.get_flow("x")
    return caught.value


@pytest.mark.parametrize(
    ("status", "error", "line", "exit_code"),
    [
        (404, {"code": "NOT_FOUND", "detail": "No flow"}, "No flow", 1),
        (403, {"code": "FORBIDDEN", "detail": "Missing: RUN."}, "Missing: RUN", 1),
        (
            422,
            {
                "code": "UNPROCESSABLE_ENTITY",
                "detail": [
                    {"loc": ["definition", "States", 0], "msg": "bad", "type": "t"},
                    {"loc": [], "msg": "worse\nstill", "type": "t"},
                ],
            },
            "definition.States.0: bad; worse still",
            1,
        ),
        (400, {"code": "BAD_REQUEST", "detail": "no such order"}, "no such order", 1),
        (401, {"code": "AUTHENTICATION_ERROR", "detail": "Expired"}, "Expired", 4),
        (403, {"code": "MISSING_SCOPE", "detail": "requires x"}, "requires x", 4),
    ],
)
def test_the_servers_words_and_the_way_out_are_one_line(
    service: Service, status: int, error: dict[str, Any], line: str, exit_code: int
) -> None:
    told = explain(refused(service, status, {"error": error}))
    where = f"(GET {service.url}/flows/x answered {status} {error['code']})"
    assert str(told).startswith(f"{line} {where}"), "the cause, then where"
    assert (exit_code == 4) == str(told).endswith(": run `headrace login`")
    assert "\n" not in str(told)
    assert told.exit_code == exit_code


@pytest.mark.parametrize(
    ("call", "status", "code", "is_unclear"),
    [
        ("POST /flows", 502, "UNKNOWN_ERROR", True),
        ("POST /flows", 504, "UNKNOWN_ERROR", True),
        ("POST /flows", 500, "INTERNAL_ERROR", True),
        ("POST /flows", 503, "UNAVAILABLE", True),
        # As a facility refuses what it has not begun.
        ("POST /flows", 503, "SERVICE_UNAVAILABLE", False),
        ("POST /flows", 409, "CONFLICT", False),
        # A disk that says no, as the Transfer service tells it.
        ("POST /flows", 502, "ExternalError.MkdirFailed.Exists", False),
        ("GET /flows", 502, "UNKNOWN_ERROR", False),
        ("GET /flows", 500, "INTERNAL_ERROR", False),
        ("GET /flows", 504, "UNKNOWN_ERROR", False),
    ],
)
def test_what_a_service_or_a_proxy_fails_at_may_have_been_done(
    service: Service, call: str, status: int, code: str, is_unclear: bool
) -> None:
    document = {"error": {"code": code, "detail": "no"}}
    service.refuse[call] = (status, {"code": code, **document})
    flows = services_at(service.url, TOKEN).flows
    method, path = call.split()
    with (
        flows.retry_config.tune(max_retries=0),
        pytest.raises(globus_sdk.GlobusAPIError) as caught,
    ):
        flows.request(method, path)
    assert isinstance(explain(caught.value), NoAnswerError) == is_unclear


def test_what_the_service_finds_wrong_is_told_whole(service: Service) -> None:
    detail = [{"loc": ["definition", f"state {n}"], "msg": "is wrong"} for n in range(50)]
    document = {"error": {"code": "UNPROCESSABLE_ENTITY", "detail": detail}}
    told = str(explain(refused(service, 422, document)))
    assert all(f"definition.state {n}: is wrong" in told for n in range(50))


def test_a_missing_consent_asks_for_a_login(service: Service) -> None:
    document = {
        "code": "ConsentRequired",
        "message": "Missing required data_access consent",
        "required_scopes": ["urn:globus:auth:scope:transfer.api.globus.org:all"],
    }
    told = explain(refused(service, 403, document))
    assert told.exit_code == 4
    assert "Missing required data_access consent" in str(told)


def test_an_answer_that_is_no_json_is_told_too(service: Service) -> None:
    assert "403" in str(explain(refused(service, 403, {})))


def test_the_token_is_never_in_the_words(service: Service) -> None:
    told = explain(refused(service, 404, {"error": {"code": "NOT_FOUND", "detail": "x"}}))
    assert TOKEN not in str(told)


def test_the_network_and_other_troubles_are_one_line() -> None:
    network = globus_sdk.NetworkError("NetworkError on request", OSError("no route\nto host"))
    assert "cannot be reached (no route to host)" in str(explain(network))
    usage = globus_sdk.GlobusSDKUsageError("wrong")
    assert str(explain(usage)) == "GlobusSDKUsageError: wrong"


def test_each_trouble_with_a_stored_login_has_its_own_way_out() -> None:
    from globus_sdk.token_storage.validating_token_storage import (
        ExpiredTokenError,
        IdentityMismatchError,
        MissingIdentityError,
        MissingTokenError,
        UnmetScopeRequirementsError,
    )

    flow = an_id("a flow")
    told = {
        explain(
            MissingTokenError("x", "auth.globus.org")
        ): "no login at Globus: run `headrace login`",
        explain(
            MissingTokenError("x", flow)
        ): f"lacks the consent to start runs of flow {flow}: run",
        explain(UnmetScopeRequirementsError("x", {})): "lacks a consent that is needed",
        explain(ExpiredTokenError(1)): "the login has expired: run `headrace login`",
        explain(IdentityMismatchError("x", "a", "b")): "another person's than the one before: run "
        "`headrace login --force`",
        explain(MissingIdentityError("no id_token")): "cannot be used (no id_token): run "
        "`headrace login --force`",
    }
    assert len({str(error) for error in told}) == len(told)
    for error, words in told.items():
        assert words in str(error)
        assert error.exit_code == 4


def test_a_consent_is_named_with_the_command_that_gives_it(service: Service) -> None:
    scope = "urn:globus:auth:scope:transfer.api.globus.org:all[*x]"
    document = {"code": "ConsentRequired", "message": "Missing", "required_scopes": [scope]}
    told = str(explain(refused(service, 403, document)))
    assert f"run `headrace login --consent '{scope}'`" in told


def test_a_session_is_renewed_by_force(service: Service) -> None:
    document = {
        "code": "AuthenticationPolicyRequired",
        "error": {"code": "AUTHENTICATION_POLICY_REQUIRED", "detail": "log in again"},
        "authorization_parameters": {
            "session_required_policies": [an_id("policy")],
            "session_message": "m",
        },
    }
    told = explain(refused(service, 403, document))
    assert (told.exit_code, "run `headrace login --force`" in str(told)) == (4, True)


def test_what_is_not_there_may_be_another_profiles(service: Service) -> None:
    told = explain(refused(service, 404, {"error": {"code": "NOT_FOUND", "detail": "No flow"}}))
    assert "another profile's" in str(told)
    assert "headrace config show" in str(told)
