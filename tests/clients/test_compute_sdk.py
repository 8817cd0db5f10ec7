"""The Compute SDK's own Client and Executor, in processes of their own, against the facility."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.compute_user import User
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(240)]

BEGIN = """
import json, os, sys, time, warnings
warnings.simplefilter("ignore")
from globus_compute_sdk import Client, Executor, ShellFunction
client = Client(local_compute_services=True)
[machine] = [e for e in client.get_endpoints() if e["name"] == "machine"]
endpoint_id = machine["uuid"]
functions = json.load(open("headrace.lock"))["targets"]["local"]["functions"]
hello = functions["hello"]["id"]
"""


def test_the_client_runs_a_deployed_function(user: User) -> None:
    result = user.sdk(
        BEGIN
        + """
task = client.run("Ada", endpoint_id=endpoint_id, function_id=hello)
while client.get_task(task)["pending"]:
    time.sleep(0.2)
batch = client.create_batch()
for name in "ab":
    batch.add(hello, kwargs={"name": name})
ids = client.batch_run(endpoint_id, batch)["tasks"][hello]
while any(v["pending"] for v in client.get_batch_result(ids).values()):
    time.sleep(0.2)
answers = client.get_batch_result(ids)
print(json.dumps({
    "one": client.get_result(task)["greeting"],
    "many": [answers[i]["result"]["greeting"] for i in ids],
    "status": client.get_endpoint_status(endpoint_id)["status"],
}))
"""
    )
    assert result == {"one": "hello Ada", "many": ["hello a", "hello b"], "status": "online"}


def test_the_executor_gets_results_and_exceptions_by_its_queue(user: User) -> None:
    result = user.sdk(
        BEGIN
        + """
with Executor(endpoint_id, client=client, api_burst_limit=50, api_burst_window_s=1) as executor:
    futures = [executor.submit_to_registered_function(hello, args=(str(i),)) for i in range(20)]
    greetings = [future.result(timeout=100)["greeting"] for future in futures]
    wrong = executor.submit_to_registered_function(hello, kwargs={"who": 1})
    told = str(wrong.exception(timeout=100))
print(json.dumps({"greetings": greetings, "told": told}))
"""
    )
    assert result["greetings"] == [f"hello {i}" for i in range(20)]
    assert "unexpected keyword argument 'who'" in result["told"]


def test_an_endpoint_runs_only_what_is_deployed(user: User) -> None:
    result = user.sdk(
        BEGIN
        + """
from globus_sdk import GlobusAPIError
shell = client.register_function(ShellFunction("echo in"))
try:
    client.run(endpoint_id=endpoint_id, function_id=shell)
    print(json.dumps("ran"))
except GlobusAPIError as error:
    print(json.dumps([error.http_status, error.message]))
"""
    )
    assert result[0] == 403, result
    assert "not permitted on endpoint" in result[1]


def test_a_task_group_is_found_again(user: User) -> None:
    result = user.sdk(
        BEGIN
        + """
with Executor(endpoint_id, client=client) as executor:
    executor.submit_to_registered_function(hello).result(timeout=100)
    group = str(executor.task_group_id)
again = Executor(task_group_id=group, client=client)
futures = list(again.reload_tasks())
print(json.dumps([f.result(timeout=100)["greeting"] for f in futures]))
again.shutdown()
"""
    )
    assert result == ["hello you"]


def test_a_flow_s_tasks_run_at_the_real_endpoint(user: User) -> None:
    assert user.document("function", "run", "hello", "-e", "machine")["greeting"] == "hello you"


@pytest.fixture(params=["this", pytest.param("own", marks=pytest.mark.slow)])
def programs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the Compute endpoint and a Python with the SDK, without headrace or with."""
    here = Path(sys.executable).parent
    if request.param == "this":
        return here
    directory = tmp_path_factory.mktemp("own")
    # texttable 1.7.2 breaks `globus-compute-endpoint list`.
    package = f"globus-compute-endpoint=={version('globus-compute-endpoint')}"
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    pip = [directory / "bin/python", "-m", "pip", "install", "-q", package, "texttable==1.7.0"]
    subprocess.run(pip, check=True)
    return directory / "bin"


def test_globus_compute_endpoint_itself_is_at_home(user: User, programs: Path) -> None:
    """`configure`, `start`, `list`, `stop`: the unmodified program with its own files."""
    (user.home / "config.yaml").write_text(
        "display_name: by hand\nlocal_compute_services: true\nheartbeat_period: 5\n"
    )
    template = user.root / "endpoint_configs/local/user_config_template.yaml.j2"
    program = str(programs / "globus-compute-endpoint")
    client = {**user.client, "PATH": f"{programs}:{os.environ['PATH']}"}
    user.run(program, "configure", "--core-config", str(user.home / "config.yaml"),
             "--template-config", str(template), "by_hand", more=client)  # fmt: skip
    try:
        user.run(program, "start", "--detach", "by_hand", more=client)
        listed = user.run(program, "list", more=client).stdout
        assert "by_hand" in listed
        assert "Running" in listed
        result = user.sdk(
            python=str(programs / "python"),
            program=BEGIN
            + """
[by_hand] = [e for e in client.get_endpoints() if e["name"] == "by_hand"]
shell = ShellFunction("echo $((6 * 7))")
with Executor(by_hand["uuid"], client=client) as executor:
    done = executor.submit(shell).result(timeout=100)
print(json.dumps([done.returncode, done.stdout]))
""",
        )
        assert result == [0, "42\n"]
    finally:
        user.run(program, "stop", "by_hand", more=client)
    assert "Stopped" in user.run(program, "list", more=client).stdout
    user.run(program, "delete", "--yes", "by_hand", more=client)


def test_without_a_broker_one_line_says_what_is_missing(user: User) -> None:
    missing = user.run(
        "headrace", "-C", str(user.root), "facility", "up", "--compute", "--broker", "http://x",
        code=1,
    )  # fmt: skip
    assert missing.stderr == "error: --broker: must be 'rabbitmq' or an amqp:// URL\n"


def test_the_endpoint_is_told_of_in_words(user: User) -> None:
    wait_until(user.online, "the endpoint's first sign of life")
    row = user.document("endpoint", "status", "machine")
    assert (row["kind"], row["state"], row["service"]) == ("installed", "running", "online")
    assert row["id"] == user.document("endpoint", "list")[0]["id"]
    assert "Core Endpoint" in user.headrace("endpoint", "log", "machine", "--lines", "200")
