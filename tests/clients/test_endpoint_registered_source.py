"""A registered function is readable at the service, and runs at an unmodified endpoint."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from tests.support.compute_user import User

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(240)]

COUNT = '''"""A function that runs a batch job."""

from __future__ import annotations


def count(directory: str) -> dict:
    """Count to two in a batch job."""
    import pathlib

    from headrace.compute.batch import run_batch_job

    script = pathlib.Path(directory, "count.sh")
    script.write_text("echo 1 2 > counted\\n")  # the job's script
    job = run_batch_job(str(script), directory, how="here", outputs=["counted"])
    return {"job": job["description"], "lines": (pathlib.Path(directory) / "counted").read_text()}
'''


def test_the_service_shows_source_and_an_endpoint_runs_it(user: User) -> None:
    (user.root / "compute_functions/count.py").write_text(COUNT)
    user.headrace("deploy", "count")
    user.headrace("endpoint", "stop", "machine")
    user.headrace("endpoint", "start", "machine")  # it runs what was deployed before
    work = user.home / "counting"
    work.mkdir()
    document, again, result = user.sdk(
        f"""
import json, time, warnings
warnings.simplefilter("ignore")
from globus_compute_sdk import Client
client = Client(local_compute_services=True)
[machine] = [e["uuid"] for e in client.get_endpoints() if e["name"] == "machine"]
count = json.load(open("headrace.lock"))["targets"]["local"]["functions"]["count"]["id"]
task = client.run({str(work)!r}, endpoint_id=machine, function_id=count)
while client.get_task(task)["pending"]:
    time.sleep(0.2)
document = client.get_function(count)
source = document["function_code"].partition(":")[2]
again = client.get_function(client.register_source_code(source, "count"))
print(json.dumps([document, again, client.get_result(task)]))
"""
    )
    assert result == {"job": "finished", "lines": "1 2\n"}
    assert again["function_code"] == document["function_code"], "as the SDK registers source"
    assert_readable(document["function_code"])
    source = user.headrace("function", "show", "count", "--source")
    assert source.rstrip("\n") == document["function_code"].partition(":")[2].rstrip("\n")


def assert_readable(code: str) -> None:
    lines = code.splitlines()
    assert lines[:2] == [str(len("\n".join(lines[1:])) + 1), "st"]
    assert lines[2] == "count:# Compute function count of the project project"
    own = COUNT.splitlines()
    for line in own[own.index("def count(directory: str) -> dict:") :]:
        assert any(line.strip() in found for found in lines), line
    spec = importlib.util.find_spec("headrace.compute.batch")
    assert spec is not None
    assert spec.origin is not None
    for module in Path(spec.origin).parent.glob("*.py"):
        assert set(module.read_text().splitlines()) <= set(lines), module
    assert not re.search(r"[A-Za-z0-9+/=]{100}", code), "a blob in base64"
    assert not re.search(r"\b(dill|pickle|zlib|base64|b85decode)\b", code)
