"""What the walk does with commands of what runs for long: facility, watch, endpoints, services."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headrace.facility import find_address
from headrace.web.server import read_listening
from tests.support.command_walk.installed_program import Program
from tests.support.command_walk.projects import World
from tests.support.command_walk.registry import scenario
from tests.support.ntfy_server import NtfyServer
from tests.support.phone import phone_table
from tests.support.repository import SUPPORT
from tests.support.waiting import wait_until
from tests.support.web_process import ended_by_sigterm


@scenario
def facilities(world: World) -> None:
    headrace = world.program("facilities")
    (headrace.directory / "headrace.toml").write_text("[profiles.day]\n")
    assert headrace.document("facility", "status", code=1) == {"running": False}
    assert "no facility is running" in headrace.refused("facility", "env")
    assert headrace.document("facility", "up", "--no-compute", "--take-over")["answers"] is True
    copy = str(headrace.directory / "copy.db")
    assert headrace.document("facility", "check", "--export", copy)["sound"] is True
    assert Path(copy).is_file()
    assert "--broker goes with" in headrace.refused("facility", "up", "--broker", "x", code=2)
    assert headrace.document("facility", "status")["running"] is True
    assert headrace.document("facility", "env")["HEADRACE_FACILITY_TOKEN"]
    assert "facility up --compute" in headrace.refused("facility", "env", "--compute")
    assert headrace.document("facility", "down") == {"stopped": True}
    assert headrace("facility", "down").stdout == "No facility was running.\n"
    shown = headrace("facility", "status", code=1).stdout
    assert shown == "Not running: start it with `headrace facility up`.\n"


@scenario
def a_facility_that_serves_compute(world: World) -> None:
    """Through a broker that nobody runs: it is told, and the rest is served."""
    headrace = world.program("broker")
    # Tests with the Compute SDK's own client, which knows one port only, may run at the same time.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    headrace.environment = {**headrace.environment, "HEADRACE_COMPUTE_PORT": str(port)}
    (headrace.directory / "headrace.toml").write_text("")
    broker = "amqp://guest:guest@127.0.0.1:9/"
    done = headrace("facility", "up", "--compute", "--broker", broker)
    assert "The facility started" in done.stdout
    assert headrace("facility", "up", "--no-compute").stdout.startswith(
        "The facility was restarted"
    )


@scenario
def watching(world: World) -> None:
    headrace = world.project
    assert headrace.document("trigger", "list")[0]["name"] == "new"
    arrival = headrace.directory / "data" / "incoming" / "one"
    arrival.mkdir()
    (arrival / "trace").write_text("1 2 3")
    assert headrace.document("trigger", "check", "new") == [{"name": "new", "problems": []}]
    assert "--existing run" in headrace.refused("watch", "new", "--once")
    told = headrace.document("watch", "new", "--once", "--existing", "run")
    assert [(run["label"], run["status"]) for run in told] == [("say one", "SUCCEEDED")]
    assert headrace.document("watch", "--until-idle", "0.5") == []
    [arrived] = headrace.document("trigger", "arrivals", "new", "--state", "started")
    assert (arrived["name"], arrived["run_id"]) == ("one", told[0]["run_id"])
    none = headrace.document("trigger", "retry", "new", "one", code=1)
    assert none == {"trigger": "new", "arrivals": [], "count": 0}
    for verb in ("run", "skip"):
        assert headrace.document("trigger", verb, "new", "one", code=1)["count"] == 0
    assert headrace.document("trigger", "pause")["triggers"] == ["new"]
    assert [row["paused"] for row in headrace.document("trigger", "list")] == [True]
    assert headrace.document("trigger", "resume", "new")["triggers"] == ["new"]
    shown = headrace.document("trigger", "test", "new", str(arrival))
    assert (shown["flow"], shown["label"], shown["run_id"]) == ("say", "say one", told[0]["run_id"])
    assert headrace.document("trigger", "replay", "new", "o*")["arrivals"] == ["one"]
    assert len(headrace.document("watch", "--once")) == 1
    again = ["start", "--trigger", "new", str(arrival)]
    assert "had its run already" in headrace.refused(*again)
    assert headrace.document(*again, "--again", "--wait")["status"] == "SUCCEEDED"
    hurried = headrace.directory / "data" / "incoming" / "two"
    hurried.mkdir()
    assert "it lacks a first file" in headrace.refused("start", "--trigger", "new", str(hurried))
    assert headrace.document("start", "--trigger", "new", str(hurried), "--incomplete")["run_id"]
    shown = headrace.document("start", "say", "-s", "word=a", "--dry-run")
    assert shown["input"] == {"word": "a"}
    assert {finding["health"] for finding in shown["findings"]} == {"good"}
    assert "--again needs --trigger" in headrace.refused("start", "say", "--again", code=2)
    assert "did you mean 'new'?" in headrace.refused("watch", "nw")


@scenario
def monitoring(world: World) -> None:
    headrace = world.bare
    assert headrace.document("endpoint", "monitor", "--once", "--canary", "--deadline", "5") == []
    every = headrace("endpoint", "monitor", "--once", "--interval", "9")
    assert every.stdout == "No endpoint was created on this machine.\n"
    silent = headrace.refused("endpoint", "monitor", "--watchdog", "none.json", "--max-age", "9")
    (report,) = headrace.document("endpoint", "monitor", "--watchdog", "--expect", "other", code=1)
    assert (report["name"], report["state"]) == ("other", "missing")
    assert "none.json: no heartbeat" in silent
    nowhere = {"PATH": str(world.base)}
    for option in ("--install-scrontab", "--remove-scrontab"):
        done = headrace("endpoint", "monitor", option, code=1, **nowhere)
        assert "scrontab" in done.error


@scenario
def notifications(world: World) -> None:
    headrace = world.program("notified")
    config = headrace.directory / "headrace.toml"
    config.write_text("[profiles.day]\n")
    assert "[notify] sets no channel" in headrace.refused("notify", "test")
    assert headrace.document("notify", "list", "-n", "3", "--waiting") == []
    table = f'[notify]\ncommand = "cat > {world.base}/told"\nwebhook = "http://127.0.0.1:1/x"\n'
    config.write_text(f"[profiles.day]\n{table}")
    (taken,) = headrace.document("notify", "test", "--channel", "command")
    assert (taken["channel"], taken["taken"]) == ("command", True)
    assert "headrace notifies you" in (world.base / "told").read_text()
    both = headrace.document("notify", "test", code=1)
    assert [row["taken"] for row in both] == [True, False]


@scenario
def a_phone(world: World) -> None:
    """Paired with a stand-in for an ntfy server, where somebody forges an answer."""
    headrace = world.program("phone")
    (headrace.directory / "headrace.toml").write_text("[profiles.day]\n")
    (headrace.directory / "token").write_text("tk_1")
    assert "no [notify.phone]" in headrace.refused("notify", "pair")
    with NtfyServer() as server, (headrace.directory / "headrace.toml").open("a") as file:
        file.write(phone_table(server.url, ("retry",)))
        file.flush()
        tokens = (f"--{name}-file=token" for name in ("token", "answers-token", "user"))
        told = headrace.document("notify", "pair", "--again", "--show-topic", *tokens)
        assert told["link"].endswith(f"/{told['topic']}?secure=false")
        kept = json.loads((headrace.directory / ".headrace" / "phone.json").read_text())
        server.publish(kept["answers_topic"], "retry last")
        headrace("notify", "listen", "--once", *headrace.common("notify", "listen"))
        [message] = server.of_topic(told["topic"])
        assert "1 message was refused" in message["message"]
    assert headrace.document("notify", "unpair") == {"removed": True}
    assert "no phone is paired" in headrace.refused("notify", "listen")


@scenario
def services(world: World) -> None:
    """With stand-ins for `systemctl` and `crontab`: they hold what they are given."""
    headrace = world.bare
    programs = world.base / "managers"
    programs.mkdir(exist_ok=True)
    table = world.base / "crontab"
    stand_ins = {
        "systemctl": f'exec "{sys.executable}" "{SUPPORT / "systemd_stand_in.py"}" "$@"',
        "crontab": f'TABLE="{table}" exec sh "{SUPPORT / "cron_stand_in.sh"}" "$@"',
        "journalctl": 'echo "journal of $*"',
    }
    for name, line in stand_ins.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    manager = Program(
        headrace.directory,
        {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "STAND_IN_STATE": str(world.base / "managed"),
            "XDG_CONFIG_HOME": str(world.base / "config"),
        },
        world.record,
    )
    systemd, cron = ("--manager", "systemd"), ("--manager", "cron")
    assert manager.document("service", "install", "monitor", *systemd)["services"] == [
        "facility",
        "monitor",
    ]
    states = {row["name"]: row["state"] for row in manager.document("service", "status", *systemd)}
    assert states["watch"] == "not installed"
    log = manager("service", "logs", "monitor", "--lines", "5", "--follow", *systemd)
    assert log.stdout.startswith("journal of --user --unit headrace-")
    assert manager.document("service", "remove", *systemd)["services"] == ["facility", "monitor"]
    assert "needs [notify.phone]" in manager.refused("service", "install", "answers", *systemd)
    pages = manager.document("service", "install", "web", *systemd)
    assert pages["services"] == ["facility", "web"]
    assert manager.document("service", "remove", "web", *systemd)["services"] == ["web"]
    assert manager.document("service", "install", "watch", *cron)["manager"] == "cron"
    assert "service run watch" in table.read_text()
    # Its flow is not deployed there, or the facility, a service of its own, does not run.
    manager("service", "run", "watch", *manager.common("service", "run"), code=1)
    log = manager("service", "logs", "watch", *manager.common("service", "logs"), *cron)
    assert "error: " in log.stdout
    assert manager.document("service", "remove", "watch", *cron)["services"] == ["watch"]
    assert "no service 'facility' at globus" in manager.refused(
        "service", "install", "facility", "--at", "globus"
    )


@scenario
def pages_in_a_browser(world: World) -> None:
    """Served on a port and on a Unix socket; another call only prints another link."""
    headrace = world.program("pages")
    (headrace.directory / "headrace.toml").write_text("[profiles.day]\n")
    programs = world.base / "openers"
    programs.mkdir()
    (programs / "xdg-open").write_text(f'#!/bin/sh\necho "$1" > "{world.base}/opened"\n')
    (programs / "xdg-open").chmod(0o755)
    headrace.environment = {
        **headrace.environment,
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    web = ("web", *headrace.common("web"))
    assert "--no-link" in headrace.refused("web", "--open", "--no-link", code=2)
    assert "--uds" in headrace.refused("web", "--uds", "sock", "--port", "1024", code=2)
    for place in (("--uds", "sock"), ("--root-path", "/node/web", "--name", "proxy.example")):
        with ThreadPoolExecutor(1) as pool:
            serving = pool.submit(headrace, *web, *place, "--open", "--label", "me")
            wait_until(lambda: read_listening(headrace.directory, "local"), "the pages")
            told = headrace.document("web", "--role", "look", "--label", "colleague")
            ended_by_sigterm(headrace.directory)
            first = json.loads(serving.result().stdout)
        assert told["role"] == "look"
        assert told["url"] == first["url"]
        assert (world.base / "opened").read_text().strip() == first["link"]
        assert first["link"].partition("#")[2] != told["link"].partition("#")[2]
    assert "/node/web/login#" in told["link"]
    assert "runs and campaigns go on" in serving.result().stderr


@scenario
def a_facility_in_the_foreground(world: World) -> None:
    headrace = world.bare
    headrace("facility", "down")
    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(headrace, "facility", "up", "--foreground")
        wait_until(lambda: find_address(headrace.directory) is not None, "the facility")
        assert not serving.done()
        assert headrace.document("facility", "down")["stopped"] is True
        assert serving.result().code == 0


@scenario
def endpoints(world: World) -> None:
    """What a facility hosts; real endpoints are created and killed in ``tests/clients``."""
    headrace = world.project
    [row] = headrace.document("endpoint", "list")
    assert (row["name"], row["kind"]) == ("machine", "hosted")
    assert headrace.document("endpoint", "status", "machine")["service"] == "online"
    for verb in ("create", "start", "stop"):
        told = headrace.refused("endpoint", verb, "machine")
        assert "facility" in told
    assert headrace.document("endpoint", "restart", "machine")["done"]
    assert headrace.document("endpoint", "drain", "machine", "--yes")["done"] == "drained"
    [row] = headrace.document("endpoint", "status")
    assert (row["state"], row["drain"]["tasks_left"]) == ("drained", 0)
    assert headrace.document("endpoint", "undrain")[0]["done"] == "undrained"
    assert headrace.document("endpoint", "restart", "--yes")[0]["name"] == "machine"
    assert (
        headrace.document("endpoint", "start")
        == headrace.document("endpoint", "stop", "--yes")
        == []
    )
    assert "machine" in headrace.refused("endpoint", "log", "nothing", "--lines", "5", "--workers")
    assert "endpoint" in headrace.refused("endpoint", "delete", "machine", "--yes")
    options = headrace.common("endpoint", "setup")
    assert "nothing" in headrace("endpoint", "setup", "nothing", *options, code=1).stderr


@scenario
def an_endpoint_of_ones_own(world: World) -> None:
    """Made, told of and read; it is started, stopped and removed in ``tests/clients``."""
    headrace = world.developer
    at = ("--at", "globus")
    headrace("login", *at)
    headrace("deploy", *at)
    made = headrace("endpoint", "create", "machine", *at).stdout
    assert "Start it with `headrace endpoint start machine`" in made
    [row] = headrace.document("endpoint", "list", *at)
    assert (row["name"], row["state"]) == ("machine", "stopped")
    status = headrace.document("endpoint", "status", "machine", *at, code=1)
    assert status["state"] == "stopped"
    assert headrace("endpoint", "log", "machine", *at).stdout
    shutil.rmtree(status["directory"])
    steps = headrace(
        "endpoint", "setup", "machine", "--no-monitor", "--manager", "cron", *at, code=1
    )
    assert "machine: created: " in steps.stderr
    assert "machine: failed: " in steps.stderr
    shutil.rmtree(status["directory"])
