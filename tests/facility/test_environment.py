"""What `headrace facility env` prints: no client's call leaves this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import globus_sdk
import pytest
from globus_sdk.config.environments import EnvConfig

from headrace.facility import Settings, start_facility, stop_facility

# Makes each client as its users do, and calls something that is not served here.
PROGRAM = """
import json, os, sys, uuid
import globus_sdk
token = globus_sdk.AccessTokenAuthorizer(os.environ["TOKEN"])
some = str(uuid.uuid4())
calls = {
    "flows": (globus_sdk.FlowsClient, lambda c: c.get("/registered_apis")),
    "auth": (globus_sdk.AuthClient, lambda c: c.get_projects()),
    "transfer": (globus_sdk.TransferClient, lambda c: c.task_list()),
    "groups": (globus_sdk.GroupsClient, lambda c: c.get_my_groups()),
    "timer": (globus_sdk.TimersClient, lambda c: c.list_jobs()),
    "search": (globus_sdk.SearchClient, lambda c: c.search(some, "x")),
}
told = {}
for name, (kind, call) in calls.items():
    client = kind(authorizer=token)
    try:
        call(client)
        told[name] = [client.base_url, 200, "", ""]
    except globus_sdk.GlobusAPIError as error:
        told[name] = [client.base_url, error.http_status, error.code, error.message]
told["compute"] = [globus_sdk.ComputeClientV3(authorizer=token).base_url, 501, "", "compute"]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A facility that serves Compute too, at a port that is free."""
    root = tmp_path_factory.mktemp("environment") / "project"
    root.mkdir()
    (root / "headrace.toml").write_text("")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GLOBUS", "HEADRACE_"))}
    clean |= {"HEADRACE_COMPUTE_PORT": str(port), "HOME": str(root.parent)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_COMPUTE_PORT", str(port))
        patch.setenv("HEADRACE_BROKER", "amqp://127.0.0.1:1")
        start_facility(root, Settings((), ()))
    yield root, clean
    stop_facility(root)


def printed(project: tuple[Path, dict[str, str]], *options: str) -> dict[str, str]:
    root, clean = project
    done = subprocess.run(
        [Path(sys.executable).parent / "headrace", "facility", "env", *options, "-F", "json"],
        cwd=root,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    variables: dict[str, str] = json.loads(done.stdout)
    return variables


def services() -> set[str]:
    """The services that the installed SDK looks up by name."""
    named = {
        kind.service_name
        for kind in list(vars(globus_sdk).values())  # some are imported when they are looked at
        if isinstance(kind, type) and issubclass(kind, globus_sdk.BaseClient)
    }
    own = {name.removesuffix("_url") for name in vars(EnvConfig.get_by_name("production"))
           if name.endswith("_url")}  # fmt: skip
    # GCSClient is given its address, the base class has none.
    return (named | own | {"app"}) - {"_base", "globus_connect_server", "get_service"}


@pytest.mark.parametrize("options", [(), ("--compute",)])
def test_every_service_that_the_sdk_knows_is_led_here(project: Any, options: Any) -> None:
    variables = printed(project, *options)
    for service in services():
        url = variables[f"GLOBUS_SDK_SERVICE_URL_{service.upper()}"]
        assert url.startswith("http://127.0.0.1:"), service
    assert "127.0.0.1" in variables["no_proxy"].split(",")


def test_each_clients_id_and_secret_are_named(project: Any) -> None:
    variables = printed(project)
    for program in ("GLOBUS_CLI", "GLOBUS", "GLADIER"):
        assert variables[f"{program}_CLIENT_ID"] == variables["GLOBUS_CLIENT_ID"]
        assert variables[f"{program}_CLIENT_SECRET"] == variables["GLOBUS_CLIENT_SECRET"]


@pytest.mark.parametrize(
    "order", [[()], [("--compute",)], [(), ("--compute",)], [("--compute",), ()]]
)
def test_clients_work_and_say_what_is_not_served(project: Any, order: list[Any]) -> None:
    _, clean = project
    both: dict[str, str] = {}
    for options in order:
        both |= printed(project, *options)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**clean, **both, "TOKEN": printed(project)["HEADRACE_FACILITY_TOKEN"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for service, (url, status, _, message) in json.loads(done.stdout).items():
        assert url.startswith("http://127.0.0.1:"), service
        assert status == 501, (service, message)
        if service != "compute":
            assert "does not serve" in message, service
