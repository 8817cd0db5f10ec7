"""ASGI application of the pages: routes of every page, its parts and its actions."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any, Final, cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from headrace.errors import HeadraceError
from headrace.web.action_forms import ActionForms, page_address
from headrace.web.errors import NotAllowed, NotHere, PageMissing
from headrace.web.events import serve_events
from headrace.web.forms import Fields, read_form
from headrace.web.page import Action, Again, Page
from headrace.web.page_registry import all_pages
from headrace.web.part_cache import filled_in
from headrace.web.rendering import PageRenderer
from headrace.web.security.access import AccessMiddleware
from headrace.web.security.login import client_address, log_in, log_out, login_page, session_of
from headrace.web.security.session import Session
from headrace.web.site import Site
from headrace.web.view import View

logger = logging.getLogger(__name__)

_PROBLEM: Final = Page("problem", "", title="Problem", template="problem.html")

_AGAIN: Final = "headrace-again"
"""Header of a part: seconds after which it is to be asked for again."""
_MISSING: Final = "headrace-missing"
"""Header of the answer that what an address names is not there; proxies have none."""

Handler = Callable[[Request], Awaitable[Response]]


def make_app(site: Site, pages: Sequence[Page] | None = None) -> ASGIApp:
    """Make the ASGI application.

    Args:
        site: the project whose pages they are.
        pages: the pages; all by default.
    """
    pages = all_pages() if pages is None else pages
    return AccessMiddleware(_WithoutPrefix(_App(site, pages).app, site.root_path), site.names)


class _WithoutPrefix:
    """Takes the prefix that a proxy passes on away from addresses."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._prefix:
            path = scope["path"]
            if path == self._prefix or path.startswith(f"{self._prefix}/"):
                scope = {**scope, "path": path.removeprefix(self._prefix) or "/"}
        await self._app(scope, receive, send)


class _App:
    """The routes, and what they share."""

    def __init__(self, site: Site, pages: Sequence[Page]) -> None:
        self._site = site
        self._menu = sorted((page for page in pages if page.menu), key=lambda page: page.rank)
        self._forms = ActionForms(site)
        static = str(files("headrace.web").joinpath("static"))
        routes: list[BaseRoute] = [
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/logout", self._logout, methods=["POST"]),
            Route("/events", self._events, methods=["GET"]),
            Route("/files/{collection}/{path:path}", self._files, methods=["GET"]),
            Mount("/static", _StaticFiles(directory=static)),
        ]
        for page in pages:
            routes.append(Route(page.path, self._page(page), methods=["GET"]))
            prefix = page.path.rstrip("/")
            routes += [
                Route(f"{prefix}/do/{action.name}", self._action(page, action), methods=["POST"])
                for action in page.actions
            ]
        self.app = Starlette(routes=routes, exception_handlers={HTTPException: self._http_error})
        # A redirection is absolute, and would lose what a proxy puts before an address.
        self.app.router.redirect_slashes = False

    async def _login(self, request: Request) -> Response:
        if request.method == "POST":
            return await log_in(request, self._site)
        return login_page(self._site)

    async def _logout(self, request: Request) -> Response:
        return await log_out(request, self._site)

    async def _events(self, request: Request) -> Response:
        return await serve_events(request, self._site)

    async def _files(self, request: Request) -> Response:
        return await run_in_threadpool(self._file, request)

    def _file(self, request: Request) -> Response:
        session = session_of(request, self._site)
        if session is None:
            return login_page(self._site, status=401)
        try:
            return self._site.files.response(
                *(request.path_params["collection"], request.path_params["path"]),
                request.query_params.get("key", ""),
            )
        except HeadraceError as error:
            return self._problem(self._view(request, session), error)

    def _page(self, page: Page) -> Handler:
        async def handle(request: Request) -> Response:
            return await run_in_threadpool(self._show, page, request)

        return handle

    def _action(self, page: Page, action: Action) -> Handler:
        async def handle(request: Request) -> Response:
            fields = await read_form(request)
            return await run_in_threadpool(self._act, page, action, request, fields)

        return handle

    def _show(self, page: Page, request: Request) -> Response:
        with self._site.under_way:
            return self._shown(page, request)

    def _shown(self, page: Page, request: Request) -> Response:
        session = session_of(request, self._site)
        if session is None:
            return (
                login_page(self._site, status=401)
                if not _wants_part(request)
                else Response(status_code=401)
            )
        view = self._view(request, session)
        renderer = PageRenderer(page, view, self._menu)
        name = view.query.get("part")
        part = page.part(name) if name else None
        if name and part is None:
            return self._problem(view, PageMissing(f"this page has no part {name!r}"))
        try:
            if part is not None:
                shown = renderer.part(part)
                return _tagged(request, shown.text, session, again=shown.again)
            return _tagged(request, renderer.page(self._forms.outcome(view)), session)
        except Exception as error:  # noqa: BLE001 - each becomes a page that says what is wrong
            return self._problem(view, error)

    def _act(self, page: Page, action: Action, request: Request, fields: Fields) -> Response:
        session = session_of(request, self._site)
        if session is None:
            return login_page(self._site, status=401)
        view = self._view(request, session, fields)
        try:
            answer = self._forms.perform(page, action, view, client_address(request))
            return self._again(page, action, view, answer) if isinstance(answer, Again) else answer
        except Exception as error:  # noqa: BLE001 - each becomes a page that says what is wrong
            return self._problem(view, error)

    def _again(self, page: Page, action: Action, view: View, again: Again) -> Response:
        own = page_address(view, action)
        shown = replace(view, address=own, shown_at=view.address, values={})
        word = "Not done" if again.is_known else "Not known"
        word = word if again.is_problem else "Checked"
        outcome = {"ok": not again.is_problem, "word": word, "message": again.message}
        text = PageRenderer(page, shown, self._menu).render(
            page.template, again.values, outcome if again.message else None
        )
        return HTMLResponse(text, 422 if again.is_problem else 200)

    def _view(self, request: Request, session: Session, fields: Fields = ()) -> View:
        return View(
            self._site,
            session,
            address=request.scope["path"].lstrip("/"),
            path={name: str(value) for name, value in request.path_params.items()},
            query=dict(request.query_params),
            form=dict(fields),
            fields=fields,
        )

    def _problem(self, view: View, error: Exception) -> Response:
        status, message = _explained(error)
        if status == 500:
            logger.error("%s", view.address, exc_info=error)
        renderer = PageRenderer(_PROBLEM, view, self._menu)
        text = renderer.render("problem.html", {"message": message, "status": status})
        return HTMLResponse(text, status, {_MISSING: "1"} if status == 404 else None)

    async def _http_error(self, request: Request, error: Exception) -> Response:
        fault = cast(HTTPException, error)
        session = await run_in_threadpool(session_of, request, self._site)
        if session is None:
            return login_page(self._site, status=401)
        if fault.status_code == 404:
            found: Exception = PageMissing("there is no such page; the menu has those that are")
            return await run_in_threadpool(self._problem, self._view(request, session), found)
        return Response(f"{fault.detail}\n", fault.status_code, media_type="text/plain")


class _StaticFiles(StaticFiles):
    """Files of the package, which browsers may keep as long as the page names them so."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "private, max-age=0, must-revalidate"
        return response


def _explained(error: Exception) -> tuple[int, str]:
    if isinstance(error, PageMissing):
        return 404, str(error)
    if isinstance(error, NotAllowed):
        return 403, str(error)
    if isinstance(error, NotHere):
        return 501, str(error)
    if isinstance(error, HeadraceError):
        return 503, str(error)
    return 500, "an unexpected fault of headrace; its log has what happened"


def _wants_part(request: Request) -> bool:
    return "part" in request.query_params


def _tagged(
    request: Request, text: str, session: Session, *, again: float | None = None
) -> Response:
    """Answer with a tag of the content, or that it is as the browser has it.

    Args:
        request: the request.
        text: the content.
        session: whose tokens it gets.
        again: seconds after which the browser is to ask again, or None.
    """
    tag = f'"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'
    headers: dict[str, Any] = {"etag": tag, "cache-control": "no-store"}
    if again is not None:
        headers[_AGAIN] = f"{again:.3f}"
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return HTMLResponse(filled_in(text, session), headers=headers)
