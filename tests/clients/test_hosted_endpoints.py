"""The Compute SDK's Client with endpoints that the facility hosts: no broker, no installation."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from headrace.facility import find_address
from tests.support.compute_user import COMPUTE_PORT, SharedUser, User, port_is_free

pytestmark = pytest.mark.timeout(180)

BEGIN = """
import json, time, warnings
warnings.simplefilter("ignore")
from globus_compute_sdk import Client, Executor, ShellFunction
client = Client(local_compute_services=True)
[machine] = [e["uuid"] for e in client.get_endpoints() if e["name"] == "machine"]
hello = json.load(open("headrace.lock"))["targets"]["local"]["functions"]["hello"]["id"]

def result(task):
    while client.get_task(task)["pending"]:
        time.sleep(0.1)
    return client.get_result(task)
"""


@pytest.fixture(scope="module")
def user(shared_user: SharedUser) -> Iterator[User]:
    pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
    shared_user.close()
    if not port_is_free():
        pytest.skip(f"port {COMPUTE_PORT}, which the Compute SDK insists on, is taken")
    with tempfile.TemporaryDirectory(prefix="headrace", ignore_cleanup_errors=True) as directory:
        # No RabbitMQ can be found: the broker's URL leads nowhere.
        user = User(Path(directory), [], {"HEADRACE_BROKER": "amqp://none:none@127.0.0.1:9/"})
        try:
            user.begin()
            yield user
        finally:
            user.close()


def test_functions_shell_functions_and_batches(user: User) -> None:
    told = user.sdk(
        BEGIN
        + """
shell = client.register_function(ShellFunction("echo $((6 * 7))"))
def local(x):
    return {"twice": 2 * x}
mine = client.register_function(local)
batch = client.create_batch()
for number in range(5):
    batch.add(mine, args=(number,))
ids = client.batch_run(machine, batch)["tasks"][mine]
print(json.dumps({
    "registered": result(client.run("Ada", endpoint_id=machine, function_id=hello))["greeting"],
    "shell": result(client.run(endpoint_id=machine, function_id=shell)).stdout,
    "batch": [result(task)["twice"] for task in ids],
    "online": client.get_endpoint_status(machine)["status"],
}))
"""
    )
    assert told == {
        "registered": "hello Ada",
        "shell": "42\n",
        "batch": [0, 2, 4, 6, 8],
        "online": "online",
    }


def test_an_exception_reaches_the_client_with_its_traceback(user: User) -> None:
    told = user.sdk(
        BEGIN
        + """
try:
    result(client.run(endpoint_id=machine, function_id=hello, who=1))
except Exception as error:
    print(json.dumps(str(error)))
"""
    )
    assert "unexpected keyword argument 'who'" in told


def test_a_facility_that_is_killed_goes_on_with_a_client_s_task(user: User) -> None:
    """The task is in the store before the client has its id."""
    task = user.sdk(
        BEGIN + 'print(json.dumps(client.run("me", endpoint_id=machine, function_id=hello)))'
    )
    address = find_address(user.root)
    assert address is not None
    os.kill(address.pid, signal.SIGKILL)
    user.headrace("facility", "up")
    told = user.sdk(BEGIN + f"print(json.dumps(result({task!r})))")
    assert told["greeting"] == "hello me"


def test_an_endpoint_s_document_has_what_the_service_s_has(user: User) -> None:
    told = user.sdk(
        BEGIN
        + """
document = client.get_endpoint_metadata(machine)
print(json.dumps([document, client.get_endpoints()[0]]))
"""
    )
    for document in told:
        assert document["hostname"]
        assert document["endpoint_version"]
        assert document["owner"] == document["owner_id"]
        assert document["public"] is False
        assert document["ip_address"] == "127.0.0.1"
        assert "from the template local" in document["description"]


def test_a_function_s_own_client_finds_the_facility_without_a_login(user: User) -> None:
    told = user.sdk(
        BEGIN
        + """
def look(endpoint):
    import os
    from globus_compute_sdk import Client
    from globus_sdk import FlowsClient

    found = Client().get_endpoint_metadata(endpoint)
    return {"name": found["name"], "address": FlowsClient().base_url}
looking = client.register_function(look)
print(json.dumps(result(client.run(machine, endpoint_id=machine, function_id=looking))))
"""
    )
    assert told["name"] == "machine"
    assert told["address"].startswith("http://127.0.0.1:")


def test_secrets_of_the_facility_are_in_no_command_line_and_no_log(user: User) -> None:
    credentials = json.loads((user.root / ".headrace" / "compute_client.json").read_text())
    secret = credentials["client_secret"]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            assert secret not in " ".join(process.cmdline())
    for path in (user.root / ".headrace" / "endpoints").rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_what_needs_a_broker_says_so(user: User) -> None:
    told = user.run("headrace", "endpoint", "create", "machine", code=0)
    assert "Start it with" in told.stdout
    refused = user.run("headrace", "endpoint", "start", "machine", code=1)
    assert len(refused.stderr.strip().splitlines()) == 1
