"""The installed program where the environment names a proxy, as on many login nodes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility

FLOW = {
    "StartAt": "Say",
    "States": {
        "Say": {
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/hello_world",
            "Parameters": {"echo_string": "here"},
            "ResultPath": "$.said",
            "End": True,
        }
    },
}


class Proxy:
    """Stands for a site's proxy: notes what it is asked for, and passes nothing on."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def _note(self) -> None:
                asked.append(f"{self.command} {self.path}")
                length = int(self.headers.get("Content-Length", 0))
                self.rfile.read(length)
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_CONNECT = _note

            def log_message(self, *args: Any) -> None:
                del args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    yield proxy
    proxy.close()


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "project"
    flow = root / "flows" / "say"
    flow.mkdir(parents=True)
    (root / "headrace.toml").write_text("")
    (flow / "definition.json").write_text(json.dumps(FLOW))
    (flow / "input_schema.json").write_text("{}")
    (flow / "flow.toml").write_text('title = "Say"\n')
    yield root
    stop_facility(root)


def environment(proxy: Proxy, home: Path, **more: str) -> dict[str, str]:
    dropped = ("GLOBUS", "HEADRACE_", "NO_PROXY", "no_proxy")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(dropped)},
        **dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"), proxy.url),
        **dict.fromkeys(("all_proxy", "ALL_PROXY"), proxy.url),
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        **more,
    }


def headrace(
    root: Path, variables: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "headrace", *arguments],
        cwd=root,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_that_goes_to_the_facility_goes_through_a_proxy(root: Path, proxy: Proxy) -> None:
    variables = environment(proxy, root.parent)

    def call(*arguments: str) -> Any:
        done = headrace(root, variables, *arguments, "-F", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    call("facility", "up")
    assert call("facility", "status")["answers"]
    call("deploy")
    run_id = call("start", "say")["run_id"]
    assert call("run", "wait", run_id)["status"] == "SUCCEEDED"
    assert [run["run_id"] for run in call("run", "list")] == [run_id]
    # The hosted services' clients and login too, where they are led to this machine, and what
    # other programs get from `facility env`.
    led = call("facility", "env")
    variables |= {name: value for name, value in led.items() if name.lower() != "no_proxy"}
    assert call("login", "--at", "globus")["logged_in"]
    assert call("whoami")["sub"]
    assert [run["run_id"] for run in call("run", "list", "--at", "globus")] == [run_id]
    assert proxy.asked == []


def test_other_clients_are_told_to_leave_the_proxy_aside(root: Path, proxy: Proxy) -> None:
    variables = environment(proxy, root.parent, no_proxy=".example.org")
    assert headrace(root, variables, "facility", "up").returncode == 0
    led = json.loads(headrace(root, variables, "facility", "env", "-F", "json").stdout)
    assert led["no_proxy"] == led["NO_PROXY"] == ".example.org,127.0.0.1,localhost,::1"
    program = (
        "import globus_sdk, os\n"
        "token = globus_sdk.AccessTokenAuthorizer(os.environ['HEADRACE_FACILITY_TOKEN'])\n"
        "print(len(globus_sdk.FlowsClient(authorizer=token).list_flows()['flows']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**variables, **led},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr
    assert proxy.asked == []


def test_calls_to_the_hosted_services_use_the_proxy(root: Path, proxy: Proxy) -> None:
    variables = environment(
        proxy,
        root.parent,
        GLOBUS_CLIENT_ID="client",
        GLOBUS_CLIENT_SECRET="secret",
        GLOBUS_SDK_SERVICE_URL_AUTH="http://auth.example.org/",
        HEADRACE_AT="globus",
    )
    done = headrace(root, variables, "whoami")
    assert done.returncode != 0
    assert proxy.asked == ["POST http://auth.example.org/v2/oauth2/token"]
