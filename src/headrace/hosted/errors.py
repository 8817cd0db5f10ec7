"""Errors of the services, each told in one line with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from globus_sdk import GlobusAPIError, GlobusError

_LOGIN_CODES = frozenset({"ConsentRequired", "AuthenticationPolicyRequired", "MISSING_SCOPE"})
_ADVICE = {
    401: "log in again with `headrace login`",
    403: "ask an administrator of the flow or run for the right, or log in as somebody who has it",
    404: "it may have been removed, or is not visible to you: see `headrace run list`, "
    "`headrace deploy`",
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


def unreachable(url: str) -> HostedError:
    """Returns the error for a facility that does not answer."""
    return HostedError(f"the facility at {url} does not answer: run `headrace facility up`")


def login_needed(what: str) -> HostedError:
    """Returns the error for a login or a consent that is missing."""
    return HostedError(f"{what}: run `headrace login`", exit_code=4)


def explain(error: GlobusError) -> HostedError:
    """Returns an error of the SDK as one line: status, code, the server's words, the way out.

    Args:
        error: what the SDK raised.
    """
    from globus_sdk import GlobusAPIError, NetworkError

    if isinstance(error, GlobusAPIError):
        return _explain_answer(error)
    if isinstance(error, NetworkError):
        cause = _line(str(error.underlying_exception))
        return HostedError(f"the service cannot be reached ({cause}): check the network, try again")
    name = type(error).__name__
    if "Token" in name or "Scope" in name or "Login" in name or "Consent" in name:
        return login_needed(_line(str(error)) or "no valid login")
    return HostedError(f"{name}: {_line(str(error))}")


def _explain_answer(error: GlobusAPIError) -> HostedError:
    request = error._underlying_response.request
    where = f"{request.method} {request.url}".split("?")[0]
    words = _line(_server_words(error))
    what = f"{where}: {error.http_status} {error.code or error.http_reason}: {words}"
    if error.http_status == 401 or error.code in _LOGIN_CODES or error.info.consent_required:
        return login_needed(what)
    advice = _ADVICE.get(error.http_status)
    return HostedError(f"{what} ({advice})" if advice else what)


def _server_words(error: GlobusAPIError) -> str:
    details = [_entry(item) for item in _details(error)]
    return "; ".join(detail for detail in details if detail) or error.message or error.text or ""


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
