"""A stand-in for HyperQueue's ``hq`` on machines that have none; run as a script.

It is no HyperQueue: it has no workers and no queue, each job begins at once on this machine. Of
``submit``, ``job list``, ``job info`` and ``job cancel`` it knows what headrace uses, with the
options, directives, texts and JSON of HyperQueue 0.27 (``client/output/json.rs``,
``client/commands/submit``, ``worker/start/program.rs``). Its state is in ``HQ_SERVER_DIR``; a
server is there where that has the file ``access.json``. ``lose-worker``, which HyperQueue has not,
does to the running jobs what the loss of their worker does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

LOST = "Task was running on a lost worker while never restart flag was set."


def server() -> Path:
    return Path(os.environ.get("HQ_SERVER_DIR") or Path.home() / ".hq-server")


def answer(document: Any) -> None:
    print(json.dumps(document, indent=2))


def refuse(words: str) -> NoReturn:
    answer({"error": words})
    sys.exit(1)


def write(path: Path, document: Any) -> None:
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(document))
    new.rename(path)


def end(job: Path, state: str, error: str = "") -> None:
    """Record an end, unless there is one."""
    new = job / f"end.{os.getpid()}"
    new.write_text(json.dumps({"state": state, "error": error}))
    with contextlib.suppress(FileExistsError):
        os.link(new, job / "end.json")
    new.unlink()


def submit_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("hq submit", allow_abbrev=False)
    parser.add_argument("--directives", choices=["auto", "file", "stdin", "off"], default="auto")
    for option in ("--name", "--cwd", "--stdout", "--stderr", "--crash-limit", "--priority"):
        parser.add_argument(option)
    parser.add_argument("--cpus", default="1")
    parser.add_argument("--resource", action="append", default=[])
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--time-limit")
    parser.add_argument("--time-request", default="0s")
    parser.add_argument("--nodes", type=int, default=0)
    parser.add_argument("commands", nargs="+")
    return parser


def directives(script: Path) -> list[str]:
    """The options of a script's ``#HQ`` lines, of those before its first command."""
    found: list[str] = []
    for line in script.read_text().splitlines():
        if line.startswith("#HQ "):
            found += shlex.split(line[4:])
        elif line and not line.startswith("#"):
            break
    return found


def submit(words: list[str]) -> None:
    script = Path(words[-1])
    # What the command line says comes before the directives.
    options = submit_parser().parse_args([*directives(script), *words])
    for one in options.resource:
        if "=" not in one:
            refuse(f"Cannot parse resource request {one!r}")
    jobs = server() / "jobs"
    jobs.mkdir(exist_ok=True)
    number = 1 + max((int(path.name) for path in jobs.iterdir()), default=0)
    while True:
        try:
            (jobs / str(number)).mkdir()
            break
        except FileExistsError:
            number += 1
    write(jobs / str(number) / "job.json", vars(options))
    subprocess.Popen(
        [sys.executable, __file__, "run-task", str(jobs / str(number))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    answer({"id": number})


def run_task(job: Path) -> None:
    """Run a job's task: what a worker does."""
    options = json.loads((job / "job.json").read_text())
    environment = {**os.environ, **dict(one.split("=", 1) for one in options["env"])}
    environment |= {"HQ_JOB_ID": job.name, "HQ_TASK_ID": "0", "HQ_INSTANCE_ID": "0"}
    errors = "/dev/null" if options["stderr"] == "none" else options["stderr"]
    with Path(errors).open("wb") as stream:
        task = subprocess.Popen(
            ["/bin/bash", *options["commands"]],
            env=environment,
            cwd=options["cwd"],
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
        )
    write(job / "running.json", {"group": task.pid, "started_at": time.time()})
    limit = options["time_limit"]
    try:
        code = task.wait(float(limit.removesuffix("s")) if limit else None)
    except subprocess.TimeoutExpired:
        end(job, "failed", "Time limit reached")
        os.killpg(task.pid, signal.SIGKILL)
        return
    if code == 0:
        end(job, "finished")
    elif code > 0:
        end(job, "failed", f"Program terminated with exit code {code}.")
    else:
        name = signal.Signals(-code).name
        words = f"Program terminated with exit code -1. Received signal {-code} ({name})."
        end(job, "failed", words)


def jobs() -> Iterator[Path]:
    found = (server() / "jobs").glob("*/job.json")
    yield from sorted((path.parent for path in found), key=lambda path: int(path.name))


def state(job: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError):
        return dict(json.loads((job / "end.json").read_text()))
    return {"state": "running" if (job / "running.json").exists() else "waiting"}


def info(job: Path) -> dict[str, Any]:
    options, now = json.loads((job / "job.json").read_text()), state(job)["state"]
    names = ("running", "finished", "failed", "canceled", "aborted", "waiting")
    return {
        "id": int(job.name),
        "name": options["name"],
        "task_count": 1,
        "is_open": False,
        "task_stats": {name: int(name == now) for name in names},
        "cancel_reason": None,
    }


def detail(job: Path) -> dict[str, Any]:
    now = state(job)
    task = {"id": 0, "state": now["state"], "worker": 1}
    if now["state"] == "failed":
        task["error"] = now["error"]
    return {"info": info(job), "max_fails": None, "submits": [], "tasks": [task]}


def kill(job: Path, ended: str, error: str = "") -> None:
    if state(job)["state"] in ("running", "waiting"):
        end(job, ended, error)
        with contextlib.suppress(OSError, ProcessLookupError):
            os.killpg(json.loads((job / "running.json").read_text())["group"], signal.SIGKILL)


def chosen(selector: str) -> Iterator[Path]:
    known = {path.name: path for path in jobs()}
    for number in selector.split(","):
        if number in known:
            yield known[number]
        else:
            print(f"ERROR Job {number} not found", file=sys.stderr)


def main(words: list[str]) -> None:
    if words[0] == "run-task":
        run_task(Path(words[1]))
        return
    words = [word for word in words if word != "--output-mode=json"]
    if not (server() / "access.json").exists():
        refuse(f'No running instance of HQ found at "{server()}".\nTry to start the server')
    match words:
        case ["submit", *rest]:
            submit(rest)
        case ["job", "list", "--all"]:
            answer([info(job) for job in jobs()])
        case ["job", "info", selector]:
            answer([detail(job) for job in chosen(selector)])
        case ["job", "cancel", selector]:
            for job in chosen(selector):
                kill(job, "canceled")
            answer({})
        case ["lose-worker"]:
            for job in jobs():
                kill(job, "failed", LOST)
        case _:
            print(f"error: unrecognized subcommand {words!r}", file=sys.stderr)
            sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
