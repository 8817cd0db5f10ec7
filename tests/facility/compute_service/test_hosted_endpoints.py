"""An endpoint whose configuration changes while it works."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.compute import ComputeError, EndpointSpec
from headrace.facility.compute_service.endpoint_drain import EndpointDrain
from headrace.facility.compute_service.hosted_endpoints import HostedEndpoint
from tests.support.compute.endpoints import REPOSITORY, Events, spec, task
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(240)


def tell(name: str) -> str:
    import os

    return os.environ.get(name, "")


def hold(started: str, end: str) -> str:
    import os
    import time
    from pathlib import Path

    with Path(started).open("a") as stream:
        stream.write("began\n")
    while not Path(end).exists():
        time.sleep(0.05)
    return os.environ.get("COLOUR", "")


@pytest.fixture
def configured(tmp_path: Path) -> EndpointSpec:
    """An endpoint with a template of its own, and a short patience."""
    folder = tmp_path / "endpoint_configs" / "mine"
    shutil.copytree(REPOSITORY / "endpoint_configs" / "local", folder)
    options = {"worker_init": "export COLOUR=red", "heartbeat_period": 1}
    return replace(spec(tmp_path / "state"), template=folder, options=options)


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[tuple[HostedEndpoint, Events]]:
    events = Events()
    endpoint = HostedEndpoint(events, EndpointDrain(tmp_path / "drained"))
    yield endpoint, events
    endpoint.stop(15.0)


def result(hosted: tuple[HostedEndpoint, Events], configured: EndpointSpec, name: str) -> object:
    endpoint, events = hosted
    one = task(tell, name)
    endpoint.submit(configured, one)
    done = events.wait(one.task_id, timeout=120)
    assert done.kind == "done", done.error
    return done.result


def with_options(configured: EndpointSpec, **options: object) -> EndpointSpec:
    return replace(configured, options={**configured.options, **options})


def test_the_next_task_runs_with_what_is_new(
    hosted: tuple[HostedEndpoint, Events], configured: EndpointSpec
) -> None:
    endpoint, _ = hosted
    assert result(hosted, configured, "COLOUR") == "red"
    first = endpoint.status(configured)
    assert first["configuration"]["in_use"] == first["configuration"]["on_disk"]
    assert not first["configuration"]["differs"]

    blue = with_options(configured, worker_init="export COLOUR=blue")
    told = endpoint.status(blue)["configuration"]
    assert told["differs"]
    assert told["in_use"] == first["configuration"]["in_use"] != told["on_disk"]
    assert result(hosted, blue, "COLOUR") == "blue"
    assert not endpoint.status(blue)["configuration"]["differs"]

    # A file of the template, under the same name; and an option that is there no more.
    (configured.template / "user_environment.yaml").write_text("SHADE: dark\n")
    assert result(hosted, blue, "SHADE") == "dark"
    plain = replace(configured, options={"heartbeat_period": 1})
    assert result(hosted, plain, "COLOUR") == ""
    # A file that was written again and says the same is no change.
    in_use = endpoint.status(plain)["configuration"]["in_use"]
    pid = endpoint.status(plain)["pid"]
    template = configured.template / "user_config_template.yaml.j2"
    template.write_text(template.read_text())
    assert result(hosted, plain, "SHADE") == "dark"
    assert endpoint.status(plain)["configuration"]["in_use"] == in_use
    assert endpoint.status(plain)["pid"] == pid


def test_what_runs_ends_on_the_old_host_and_what_waits_goes_to_the_new_one(
    hosted: tuple[HostedEndpoint, Events], configured: EndpointSpec, tmp_path: Path
) -> None:
    endpoint, events = hosted
    running = task(hold, str(tmp_path / "running"), str(tmp_path / "end"))
    waiting = [task(hold, str(tmp_path / f"waiting{n}"), str(tmp_path / "go")) for n in range(3)]
    (tmp_path / "go").touch()
    for one in (running, *waiting):
        endpoint.submit(configured, one)
    wait_until((tmp_path / "running").exists, "the first runs")

    blue = with_options(configured, worker_init="export COLOUR=blue")
    assert result(hosted, blue, "COLOUR") == "blue"
    assert {events.wait(one.task_id).result for one in waiting} == {"blue"}
    (older,) = endpoint.status(blue)["retired"]
    assert older["state"] == "retiring"
    assert [one["task_id"] for one in older["busy"]] == [running.task_id]

    # A third configuration does not touch the first host, which still works.
    green = with_options(configured, worker_init="export COLOUR=green")
    assert result(hosted, green, "COLOUR") == "green"
    (tmp_path / "end").touch()
    assert events.wait(running.task_id).result == "red"
    wait_until(lambda: not endpoint.status(green)["retired"], "the old hosts have ended")
    for name in ("running", "waiting0", "waiting1", "waiting2"):
        assert (tmp_path / name).read_text() == "began\n"
    assert len(list((tmp_path / "state" / "hosts").glob("*.host.json"))) == 1


def test_a_task_on_a_retiring_host_can_be_cancelled(
    hosted: tuple[HostedEndpoint, Events], configured: EndpointSpec, tmp_path: Path
) -> None:
    endpoint, events = hosted
    running = task(hold, str(tmp_path / "running"), str(tmp_path / "never"))
    endpoint.submit(configured, running)
    wait_until((tmp_path / "running").exists, "it runs")
    blue = with_options(configured, worker_init="export COLOUR=blue")
    assert result(hosted, blue, "COLOUR") == "blue"
    endpoint.cancel(blue, running.task_id)
    assert events.wait(running.task_id).error == "the task was cancelled"
    wait_until(lambda: not endpoint.status(blue)["retired"], "the old host has ended")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": "many"}, "option workers: 'many' is not of type 'integer'"),
        ({"worker": 2}, "unknown option worker; it knows"),
    ],
)
def test_a_wrong_configuration_is_told_and_the_present_host_works_on(
    hosted: tuple[HostedEndpoint, Events],
    configured: EndpointSpec,
    tmp_path: Path,
    options: dict[str, object],
    said: str,
) -> None:
    endpoint, events = hosted
    running = task(hold, str(tmp_path / "running"), str(tmp_path / "end"))
    endpoint.submit(configured, running)
    wait_until((tmp_path / "running").exists, "it runs")
    wrong = with_options(configured, **options)
    with pytest.raises(ComputeError, match=said):
        endpoint.submit(wrong, task(tell, "COLOUR"))
    told = endpoint.status(wrong)["configuration"]
    assert said in told["error"]
    assert told["differs"]
    (tmp_path / "end").touch()
    assert events.wait(running.task_id).result == "red"


def test_a_template_that_is_gone_is_told(
    hosted: tuple[HostedEndpoint, Events], configured: EndpointSpec
) -> None:
    endpoint, _ = hosted
    shutil.rmtree(configured.template)
    assert "no template folder" in endpoint.status(configured)["configuration"]["error"]
    with pytest.raises(ComputeError, match="no template folder"):
        endpoint.submit(configured, task(tell, "COLOUR"))


def test_a_restart_is_for_the_next_task(
    hosted: tuple[HostedEndpoint, Events], configured: EndpointSpec
) -> None:
    endpoint, _ = hosted
    assert not endpoint.restart()
    assert result(hosted, configured, "COLOUR") == "red"
    pid = endpoint.status(configured)["pid"]
    assert endpoint.restart()
    assert result(hosted, configured, "COLOUR") == "red"
    assert endpoint.status(configured)["pid"] not in (None, pid)


def test_a_drained_endpoint_ends_what_runs_and_keeps_the_rest_back(
    hosted: tuple[HostedEndpoint, Events], configured: EndpointSpec, tmp_path: Path
) -> None:
    endpoint, events = hosted
    alone = with_options(configured, workers=1)
    started, end = tmp_path / "started", tmp_path / "end"
    running, queued = task(hold, str(started), str(end)), task(tell, "COLOUR")
    endpoint.submit(alone, running)
    wait_until(started.exists, "the first task to run")
    endpoint.submit(alone, queued)
    endpoint.drain()
    endpoint.drain()  # said twice it is the same
    late, cancelled = task(tell, "COLOUR"), task(tell, "COLOUR")
    for each in (late, cancelled, late):
        endpoint.submit(alone, each)

    def drain() -> dict[str, object]:
        found = endpoint.status(alone)["drain"]
        return {name: found[name] for name in ("tasks_left", "held_back")}

    wait_until(lambda: drain() == {"tasks_left": 1, "held_back": 3}, "the queued task to be back")
    assert "drain" in endpoint.pending_reason(queued.task_id)
    endpoint.cancel(alone, cancelled.task_id)
    assert events.wait(cancelled.task_id, timeout=120).kind == "failed"
    end.touch()
    assert events.wait(running.task_id, timeout=120).result == "red"
    wait_until(lambda: drain() == {"tasks_left": 0, "held_back": 2}, "the running task to end")

    # A later facility gets the tasks again that have not ended, and keeps them back again.
    restarted = HostedEndpoint(events, EndpointDrain(tmp_path / "drained"))
    for each in (queued, late):
        restarted.submit(alone, each)
    assert restarted.status(alone)["drain"]["held_back"] == 2
    restarted.undrain(alone)
    for each in (queued, late):
        assert events.wait(each.task_id, timeout=120).result == "red"
    assert restarted.status(alone)["drain"] is None
    restarted.stop(15.0)
