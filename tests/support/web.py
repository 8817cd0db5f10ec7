"""A project's pages without a server: requests go to the application itself, with a session."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp

from headrace.web.app import make_app
from headrace.web.page import Page
from headrace.web.security.session import Role
from headrace.web.server import open_store
from headrace.web.site import Site

ORIGIN = "http://127.0.0.1:8765"


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        status_code: its status.
        headers: its headers.
        content: its body.
    """

    status_code: int
    headers: Headers
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode()


class WebSite:
    """The pages of a project, and a browser's session there.

    Args:
        root: the project's directory.
        target: ``local`` or ``globus``.
        pages: the pages; all by default.
        services: gives the services in the place of the target's.
        root_path: prefix of all addresses.
    """

    def __init__(
        self,
        root: Path,
        target: str = "local",
        *,
        pages: Sequence[Page] | None = None,
        services: Callable[[], Any] | None = None,
        root_path: str = "",
        role: Role = "steer",
    ) -> None:
        self.store = open_store(root, target)
        self.site = Site(
            root,
            target,
            self.store,
            services=services,
            root_path=root_path,
            cookie="headrace_8765",
        )
        self.app = make_app(self.site, pages)
        self.cookie = self.log_in(role)

    def log_in(self, role: Role = "steer", label: str = "tester") -> str:
        """Return the cookie of a new session."""
        session = self.store.open_session(self.store.make_code(role, label), "127.0.0.1")
        assert session is not None
        return f"{self.site.cookie}={session.secret}"

    def request(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        cookie: str | None = None,
    ) -> Answer:
        """Return the answer to one request, redirections not followed."""
        sent = {"host": ORIGIN[7:], "cookie": self.cookie if cookie is None else cookie}
        body = b""
        if method == "POST":
            sent |= {
                "content-type": "application/x-www-form-urlencoded",
                "origin": ORIGIN,
                "sec-fetch-site": "same-origin",
            }
            body = urlencode([*form.items()] if isinstance(form, Mapping) else form or []).encode()
        sent |= {"content-length": str(len(body)), **(headers or {})}
        return anyio.run(_ask, self.app, method, f"/{address.lstrip('/')}", sent, body)

    def get(self, address: str = "", **options: Any) -> Answer:
        """Return the answer to a request for a page."""
        return self.request("GET", address, **options)

    def send_form(self, page: str, action: str, **fields: str) -> Answer:
        """Send the form of an action as a page has it, with other values of some fields.

        The first form of this action whose hidden fields have the values that are given for them.
        """
        forms = [form for form in forms_of(self.get(page).text) if form.action == action]
        assert forms, f"{page} has no form for {action}"
        chosen = next(
            (form for form in forms if all(form.fields.get(k) == v for k, v in fields.items())),
            forms[0],
        )
        return self.resend(page, chosen, **fields)

    def resend(self, page: str, form: Form, **fields: str) -> Answer:
        """Send a form that was read before."""
        target = urlsplit(urljoin(f"{ORIGIN}/{page.lstrip('/')}", form.address))
        return self.request("POST", target.path, form={**form.fields, **fields})

    def follow(self, page: str, answer: Answer) -> Answer:
        """Return the page that an answer leads on to."""
        assert answer.status_code == 303, answer.text
        target = urljoin(f"{ORIGIN}/{page.lstrip('/')}", answer.headers["location"])
        return self.get(target[len(ORIGIN) :])

    def close(self) -> None:
        """Close the store."""
        self.store.close()


async def _ask(
    app: ASGIApp, method: str, address: str, headers: Mapping[str, str], body: bytes
) -> Answer:
    parts = urlsplit(address)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": raw,
        "server": ("127.0.0.1", 8765),
        "client": ("127.0.0.1", 40000),
    }
    requests = iter([{"type": "http.request", "body": body, "more_body": False}])
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        for request in requests:
            return request
        # Who asked waits for the answer.
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    content = b"".join(message.get("body", b"") for message in sent)
    return Answer(start["status"], Headers(raw=start["headers"]), content)


class Form:
    """A form of a page.

    Attributes:
        address: where it is sent, as the page says.
        fields: its hidden fields, and the values that others begin with.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.fields: dict[str, str] = {}

    @property
    def action(self) -> str:
        """Name of the page's action."""
        return f"/{self.address}".rpartition("/do/")[2].removeprefix("/")


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(Form(given.get("action") or ""))
            self._is_open = True
        elif tag == "input" and self._is_open and given.get("name"):
            unticked = given.get("type") in ("checkbox", "radio") and "checked" not in given
            if not unticked:
                self.forms[-1].fields[str(given["name"])] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False


def forms_of(page: str) -> list[Form]:
    """Return the forms of a page."""
    reader = _FormReader()
    reader.feed(page)
    return reader.forms


def rows_of(page: str, part: str) -> list[list[str]]:
    """Return the rows of a part's table, as words."""
    section = page[page.index(f'id="{part}"') :]
    body = section[section.index("<tbody>") : section.index("</tbody>")]
    return [
        [words_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.S)
    ]


def words_of(page: str) -> str:
    """Return the words of a page or a part, without its elements."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
