"""`headrace login`, `logout`, `whoami` as the installed program; a facility is Globus Auth."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from headrace.facility import Settings, find_address, start_facility, stop_facility
from tests.support.ids import an_id

CLIENT = an_id("a native app")
FLOW = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}
HEADRACE = str(Path(sys.executable).parent / "headrace")
MORE = f"https://auth.globus.org/scopes/{an_id('some flow')}/more"


class Account:
    """A person with a project of their own, who is led to a facility elsewhere."""

    def __init__(self, home: Path) -> None:
        self.service = home / "service"
        self.root = home / "project"
        for root in (self.service, self.root):
            root.mkdir()
            (root / "headrace.toml").write_text("")
        flow = self.root / "flows" / "done"
        flow.mkdir(parents=True)
        (flow / "definition.json").write_text(json.dumps(FLOW))
        (flow / "input_schema.json").write_text("{}")
        (flow / "flow.toml").write_text('title = "Done"\n')
        start_facility(self.service, Settings((), ()))
        self.clean = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GLOBUS", "HEADRACE_"))},
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
        }
        done = self.run("-C", str(self.service), "facility", "env", "-F", "json", more={})
        self.env: dict[str, str] = json.loads(done.stdout)
        self.native = {k: v for k, v in self.env.items() if "_CLIENT_" not in k} | {
            "GLOBUS_CLIENT_ID": CLIENT,
            "HEADRACE_AT": "globus",
        }

    @property
    def token(self) -> str:
        address = find_address(self.service)
        assert address is not None
        return address.token

    def run(
        self, *arguments: str, more: dict[str, str] | None = None, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [HEADRACE, *arguments],
            cwd=self.root,
            env={**self.clean, **(self.native if more is None else more)},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
        )

    def document(self, *arguments: str, more: dict[str, str] | None = None) -> Any:
        done = self.run(*arguments, "-F", "json", more=more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def login(self, *options: str, allow: Any = None) -> subprocess.CompletedProcess[str]:
        """Logs in as a person does: opens the page that is printed, and types the code."""
        process = subprocess.Popen(
            [HEADRACE, "login", *options],
            cwd=self.root,
            env={**self.clean, **self.native},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        lines = []
        url = ""
        for line in process.stderr:
            lines.append(line)
            if line.startswith("http"):
                url = line.strip()
                break
        code = (allow or self.allow)(url) if url else ""
        out, err = process.communicate(f"{code}\n")
        return subprocess.CompletedProcess("login", process.returncode, out, "".join(lines) + err)

    def allow(self, url: str) -> str:
        """What the page gives to a program that carries the token."""
        status, _, body = fetch("GET", url, {"Authorization": f"Bearer {self.token}"})
        assert status == 200, body
        return str(json.loads(body)["code"])


def fetch(
    method: str, url: str, headers: dict[str, str] | None = None, form: Any = None
) -> tuple[int, dict[str, str], str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    sent = dict(headers or {})
    if form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(
        method, f"{parts.path}?{parts.query}", urlencode(form) if form is not None else None, sent
    )
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, text


class Form(HTMLParser):
    """The fields of the form on a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "input":
            self.fields[given["name"]] = given.get("value", "")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    account = Account(tmp_path_factory.mktemp("account"))
    yield account
    stop_facility(account.service)


@pytest.fixture(autouse=True)
def _logged_out(account: Account) -> Iterator[None]:
    yield
    account.run("logout")


def test_a_person_logs_in_with_a_native_app_works_and_logs_out(account: Account) -> None:
    before = account.run("whoami")
    assert before.returncode == 4
    assert "headrace login" in before.stderr
    done = account.login()
    assert done.returncode == 0, done.stderr
    assert done.stdout == "You are logged in.\n"
    who = account.document("whoami")
    assert who["sub"]
    tokens = Path(account.clean["XDG_STATE_HOME"]) / "headrace" / f"tokens.{CLIENT}.json"
    assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
    # A flow that was deployed since wants a consent of its own.
    account.document("deploy")
    lacking = account.run("start", "done")
    assert lacking.returncode == 4
    assert account.login().returncode == 0
    run = account.document("start", "done")
    assert account.document("run", "wait", run["run_id"])["status"] == "SUCCEEDED"
    # Enough is enough: nothing is asked when the login suffices.
    assert account.run("login").returncode == 0
    assert account.document("logout") == {"logged_out": True}
    assert account.document("logout") == {"logged_out": False}
    assert account.run("whoami").returncode == 4
    assert not tokens.exists()


def test_in_a_browser_the_page_asks_for_the_facilitys_token(account: Account) -> None:
    def allow(url: str) -> str:
        status, headers, page = fetch("GET", url)
        assert status == 200
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert CLIENT in page
        fields = Form(page).fields
        assert fields.pop("token") == ""
        where = url.partition("?")[0]
        status, _, page = fetch("POST", where, form={**fields, "token": "guessed"})
        assert status == 403
        assert "not the facility" in page
        status, _, page = fetch("POST", where, form={**Form(page).fields, "token": account.token})
        assert status == 200
        found = re.search(r"<code>([^<]+)</code>", page)
        assert found is not None
        return found[1]

    done = account.login(allow=allow)
    assert done.returncode == 0, done.stderr
    assert account.token not in done.stdout + done.stderr


def test_a_login_outlives_a_restart_and_ends_when_it_is_revoked(account: Account) -> None:
    assert account.login().returncode == 0
    path = Path(account.clean["XDG_STATE_HOME"]) / "headrace" / f"tokens.{CLIENT}.json"
    stop_facility(account.service)
    start_facility(account.service, Settings((), ()))
    # The access tokens are over: new ones are had for the refresh tokens.
    stored = json.loads(path.read_text())
    for token in stored["data"]["DEFAULT"].values():
        token["expires_at_seconds"] = 1
        token["access_token"] = "over"
    path.write_text(json.dumps(stored))
    assert account.document("whoami")["sub"]
    kept = path.read_text()
    account.run("logout")
    path.write_text(kept.replace('"expires_at_seconds": ', '"expires_at_seconds": -'))
    over = account.run("whoami")
    assert over.returncode == 4
    assert "has expired or was revoked" in over.stderr
    assert len(over.stderr.splitlines()) == 1


def test_a_consent_is_given_by_name(account: Account) -> None:
    assert account.login().returncode == 0
    url = []

    def allow(address: str) -> str:
        url.append(address)
        return account.allow(address)

    assert account.login("--consent", MORE, allow=allow).returncode == 0
    assert urlencode({"s": MORE})[2:] in url[0]
    assert account.run("whoami").returncode == 0
    forced = account.login("--force", allow=allow)
    assert (forced.returncode, len(url)) == (0, 2)


def test_a_wrong_code_is_one_line_and_no_login(account: Account) -> None:
    done = account.login(allow=lambda url: "not-a-code")
    assert done.returncode == 4
    last = done.stderr.splitlines()[-1]
    assert "the code was not accepted" in last
    assert "headrace login" in last
    assert account.run("whoami").returncode == 4


def test_where_nobody_can_type_that_is_one_line(account: Account) -> None:
    done = account.run("login")
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert "no code was given" in done.stderr.splitlines()[-1]


def test_a_service_account_logs_in_without_a_person(account: Account) -> None:
    confidential = {**account.env, "HEADRACE_AT": "globus"}
    assert account.document("login", more=confidential)["logged_in"]
    assert account.document("whoami", more=confidential)["sub"]
    assert account.document("logout", more=confidential) == {"logged_out": True}
    wrong = {**confidential, "GLOBUS_CLIENT_SECRET": "another"}
    refused = account.run("login", more=wrong)
    assert refused.returncode == 4
    assert "GLOBUS_CLIENT_SECRET" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_what_a_client_asks_for_is_checked(account: Account) -> None:
    asked = {
        "client_id": CLIENT,
        "redirect_uri": f"{account.env['GLOBUS_SDK_SERVICE_URL_AUTH']}v2/web/auth-code",
        "scope": "openid",
        "response_type": "code",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    base = f"{account.env['GLOBUS_SDK_SERVICE_URL_AUTH']}v2/oauth2/authorize?"
    bearer = {"Authorization": f"Bearer {account.token}"}
    assert fetch("GET", base + urlencode(asked), bearer)[0] == 200
    for wrong in (
        {"client_id": "me"},
        {"redirect_uri": "https://evil.example.org/"},
        {"redirect_uri": "http://127.0.0.1.evil.example.org/"},
        {"redirect_uri": "http://127.0.0.1:80/#x"},
        {"scope": ""},
        {"scope": "a[b"},
        {"response_type": "token"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
    ):
        status, _, page = fetch("GET", base + urlencode({**asked, **wrong}), bearer)
        assert (status, "This login cannot go on" in page) == (400, True), wrong


def test_a_program_with_a_server_of_its_own_is_sent_the_code_once(account: Account) -> None:
    verifier = "v" * 60
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "client_id": CLIENT,
        "redirect_uri": "http://localhost:8765/back",
        "scope": "openid",
        "state": "mine & yours",
        "response_type": "code",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    base = account.env["GLOBUS_SDK_SERVICE_URL_AUTH"]
    form = {**asked, "token": account.token}
    status, headers, _ = fetch("POST", f"{base}v2/oauth2/authorize", form=form)
    assert status == 303
    parts = urlsplit(headers["location"])
    assert (parts.netloc, parts.path) == ("localhost:8765", "/back")
    query = parse_qs(parts.query)
    assert query["state"] == ["mine & yours"]
    exchange = {
        "grant_type": "authorization_code",
        "code": query["code"][0],
        "client_id": CLIENT,
        "redirect_uri": asked["redirect_uri"],
        "code_verifier": verifier,
    }
    url = f"{base}v2/oauth2/token"
    status, _, text = fetch("POST", url, form=exchange)
    assert status == 200
    assert "refresh_token" not in json.loads(text)
    status, _, text = fetch("POST", url, form=exchange)
    assert (status, json.loads(text)["error"]) == (400, "invalid_grant")
    status, headers, _ = fetch("POST", f"{base}v2/oauth2/authorize", form=form)
    again = parse_qs(urlsplit(headers["location"]).query)["code"][0]
    stolen = {**exchange, "code": again, "code_verifier": "w" * 60}
    status, _, text = fetch("POST", url, form=stolen)
    assert (status, json.loads(text)["error"]) == (400, "invalid_grant")
