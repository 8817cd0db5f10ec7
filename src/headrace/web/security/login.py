"""Login: a code of one use, from the fragment of a link, becomes a cookie."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from headrace.config.project_config import at_option
from headrace.web.forms import read_form
from headrace.web.rendering import environment, relative_url
from headrace.web.security.session import Session
from headrace.web.security.store import SESSION_DAYS
from headrace.web.site import Site


def session_of(request: Request, site: Site) -> Session | None:
    """Return the session of a request; None where it has none.

    Args:
        request: the request.
        site: the site, whose cookie it is.
    """
    secret = request.cookies.get(site.cookie, "")
    return site.store.find_session(secret) if secret else None


def login_page(site: Site, problem: str = "", status: int = 200) -> Response:
    """Return the page that asks for a code.

    Args:
        site: the site.
        problem: what was wrong with the last one.
        status: status of the answer.
    """
    template = environment().get_template("login.html")
    text = template.render(
        problem=problem,
        project=site.root.name,
        at=at_option(site.target),
        url=lambda to: relative_url("login", to),
    )
    return HTMLResponse(text, status)


async def log_in(request: Request, site: Site) -> Response:
    """Exchange a code for a session's cookie.

    Args:
        request: the form, with the field ``code``.
        site: the site.
    """
    code = dict(await read_form(request)).get("code", "").strip()
    session = await run_in_threadpool(site.store.open_session, code, client_address(request))
    if session is None:
        problem = "this code is unknown, was used already, or is older than a minute"
        return login_page(site, problem, 403)
    response = RedirectResponse("./", 303)
    set_cookie(response, site, session.secret, SESSION_DAYS * 86_400)
    return response


async def log_out(request: Request, site: Site) -> Response:
    """End the session of a request.

    Args:
        request: the form.
        site: the site.
    """
    session = await run_in_threadpool(session_of, request, site)
    form = dict(await read_form(request))
    if session is not None and session.has_form_token(form.get("form_token", "")):
        await run_in_threadpool(site.store.end_session, session.id)
    response = RedirectResponse("login", 303)
    set_cookie(response, site, "", 0)
    return response


def set_cookie(response: Response, site: Site, value: str, seconds: int) -> None:
    """Set the cookie of a session on the directory of the address that was asked.

    Without a path a browser takes the directory as it sees it, with what a proxy puts before it:
    other servers behind the same proxy do not get the cookie.

    Args:
        response: the answer.
        site: the site.
        value: value of the cookie.
        seconds: how long it holds.
    """
    response.headers.append(
        "set-cookie",
        f"{site.cookie}={value}; HttpOnly; SameSite=Strict; Max-Age={seconds}",
    )


def client_address(request: Request) -> str:
    """Return where a request came from; on a Unix socket nothing more is known."""
    return request.client.host if request.client else "unix socket"
