"""Errors of the services, each in one line with its remedy."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from headrace._internal.lost_answers import may_have_been_done
from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from globus_sdk import GlobusAPIError, GlobusError
    from globus_sdk.token_storage import TokenValidationError

_LOGIN_CODES = frozenset({"ConsentRequired", "AuthenticationPolicyRequired", "MISSING_SCOPE"})
_ADVICE = {
    403: "ask an administrator of the flow or run for the right, or log in as somebody who has it",
    404: "it may have been removed, or is not visible to you, or the id is another profile's: see "
    "`headrace run list`, `headrace deploy`, `headrace config show`",
    413: "make it smaller: pass paths, not data",
    429: "too many requests: wait a minute",
    502: "the service has a problem: try again in a few minutes",
    503: "the service has a problem: try again in a few minutes",
    504: "the service has a problem: try again in a few minutes",
}


class HostedError(HeadraceError):
    """The services cannot be used, or refuse.

    Args:
        message: what, where and the way out, in one line.
        exit_code: 4 when a login or a consent is needed.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class NoAnswerError(HostedError):
    """A service did not answer what it may have been sent: whether it has done it is not known."""


def sdk() -> Any:
    """Return globus-sdk, for an ``except`` clause that imports it only where something is raised.

    Most calls raise nothing, and what is read from a facility does without it.
    """
    import globus_sdk

    return globus_sdk


def unreachable(url: str) -> HostedError:
    """Return the error for a facility that does not answer."""
    return HostedError(f"the facility at {url} does not answer: run `headrace facility up`")


def login_needed(what: str, *options: str) -> HostedError:
    """Return the error for a login or a consent that is missing.

    Args:
        what: what is missing, or why there is no login any more.
        options: those of the command that helps.
    """
    command = " ".join(["headrace login", *map(shlex.quote, options)])
    return HostedError(f"{what}: run `{command}`", exit_code=4)


def explain(error: GlobusError) -> HostedError:
    """Return an error of the SDK as one line: the server's message, the URL, the remedy.

    Args:
        error: what the SDK raised.
    """
    from globus_sdk import GlobusAPIError, NetworkError
    from globus_sdk.token_storage import TokenValidationError

    if isinstance(error, GlobusAPIError):
        return _explain_response(error)
    if isinstance(error, NetworkError):
        cause = _line(str(error.underlying_exception))
        kind = NoAnswerError if may_have_been_done(error) else HostedError
        return kind(f"the service cannot be reached ({cause}): check the network, try again")
    if isinstance(error, TokenValidationError):
        return explain_login(error)
    return HostedError(f"{type(error).__name__}: {_line(str(error))}")


def explain_login(error: TokenValidationError, client_id: str = "") -> HostedError:
    """Return in one line why the stored login is not sufficient, with the remedy.

    Args:
        error: what the SDK raised when it looked at the stored tokens.
        client_id: the Globus client whose login it is.
    """
    from globus_sdk.token_storage.validating_token_storage import (
        ExpiredTokenError,
        IdentityMismatchError,
        MissingTokenError,
        UnmetScopeRequirementsError,
    )

    from headrace.flowlang.action_urls import UUID

    if isinstance(error, MissingTokenError):
        of = f" of the client {client_id}" if client_id else ""
        server = error.resource_server
        if UUID.fullmatch(server):
            return login_needed(f"the login{of} lacks the consent to start runs of flow {server}")
        return login_needed(f"no login at Globus{of}")
    if isinstance(error, UnmetScopeRequirementsError):
        return login_needed("the login lacks a consent that is needed, given up or never given")
    if isinstance(error, ExpiredTokenError):
        return login_needed("the login has expired")
    if isinstance(error, IdentityMismatchError):
        return login_needed("the login is another person's than the one before", "--force")
    return login_needed(f"the stored login cannot be used ({_line(str(error))})", "--force")


def _explain_response(error: GlobusAPIError) -> HostedError:
    request = error._underlying_response.request
    where = f"{request.method} {request.url}".split("?")[0]
    server_message = _server_message(error)
    oauth = error.raw_json.get("error") if error.raw_json else None
    if "/oauth2/token" in where and isinstance(oauth, str):
        return _explain_token_response(where, oauth)
    # The cause comes first, and then which response gave it.
    status = f"{error.http_status} {error.code or error.http_reason}"
    what = f"{server_message.rstrip('.') or status} ({where} answered {status})"
    wanted = error.info.authorization_parameters
    if error.info.consent_required:
        scopes = error.info.consent_required.required_scopes or []
        return login_needed(what, *(part for scope in scopes for part in ("--consent", scope)))
    if wanted or error.code == "AuthenticationPolicyRequired":
        return login_needed(what, "--force")
    if error.http_status == 401 or error.code in _LOGIN_CODES:
        return login_needed(what)
    advice = _ADVICE.get(error.http_status)
    kind = NoAnswerError if may_have_been_done(error) else HostedError
    return kind(f"{what}: {advice}" if advice else what)


def _explain_token_response(where: str, oauth: str) -> HostedError:
    """Explain a response of Auth's token service, which has its own error format."""
    host = where.partition("//")[2].partition("/")[0]
    if oauth == "invalid_client":
        return HostedError(
            f"the login is refused, {host} does not know this client: correct GLOBUS_CLIENT_ID and "
            "GLOBUS_CLIENT_SECRET, then run `headrace login`",
            exit_code=4,
        )
    if oauth == "invalid_grant":
        return login_needed("the login at Globus has expired or was revoked")
    return login_needed(f"{host} refuses the login ({oauth})")


def _server_message(error: GlobusAPIError) -> str:
    details = [_entry(item) for item in _details(error)]
    message = " ".join("; ".join(detail for detail in details if detail).split())
    # What is no document of the service may be a page of a proxy's.
    return message or _line(error.message or error.text or "")


def _details(error: GlobusAPIError) -> list[object]:
    document = error.raw_json or {}
    inner = document.get("error")
    detail = inner.get("detail") if isinstance(inner, dict) else None
    return detail if isinstance(detail, list) else [detail]


def _entry(item: object) -> str:
    if isinstance(item, str):
        return item
    if not isinstance(item, dict):
        return ""
    location = ".".join(str(part) for part in item.get("loc", []))
    return f"{location}: {item.get('msg', '')}" if location else str(item.get("msg", ""))


def _line(text: str, limit: int = 400) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}..."
