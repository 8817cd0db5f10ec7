"""An ordinary user with a project, a facility that serves Compute, and the command line."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from headrace.endpoints.status import endpoint_document
from headrace.facility import find_address
from headrace.hosted import services_at
from headrace.project import load_project
from tests.support.waiting import wait_until

COMPUTE_PORT = 5000
HELLO = '''"""A function that says who ran it."""


def hello(name: str = "you") -> dict:
    """Greet."""
    import os
    import socket

    return {"greeting": f"hello {name}", "pid": os.getpid(), "host": socket.gethostname()}
'''
SLEEPER = '''"""A function that waits for a file."""


def sleeper(directory: str, name: str) -> str:
    """Note the start, then wait until the file `go` is there."""
    import os
    import pathlib
    import time

    where = pathlib.Path(directory)
    with (where / "starts").open("a") as stream:
        stream.write(f"{name} {os.getpid()}\\n")
    while not (where / "go").exists():
        time.sleep(0.05)
    return name
'''


class Namespace:
    """Where an ordinary user lives who can read what the tests' account can.

    The real endpoint refuses to run as root without an identity mapping. Where the tests are run
    by root, a user namespace gives them an ordinary account over the same files.
    """

    def __init__(self) -> None:
        self.prefix: list[str] = []
        self._holder: subprocess.Popen[bytes] | None = None
        if os.getuid() == 0:
            self._holder = subprocess.Popen(
                ["unshare", "--user", "--map-user=1", "--map-group=1", "sleep", "infinity"],
                start_new_session=True,
            )
            enter = ["nsenter", "--user", f"--target={self._holder.pid}", "--preserve-credentials"]
            self.prefix = [*enter, "--"]

    def works(self) -> bool:
        """Whether a Python of this environment runs there as somebody else than root."""
        code = "import headrace, os, pwd; assert pwd.getpwuid(os.getuid()).pw_uid"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            done = subprocess.run(
                [*self.prefix, sys.executable, "-c", code], capture_output=True, check=False
            )
            if done.returncode == 0:
                return True
            if self._holder is not None and self._holder.poll() is not None:
                return False  # no namespace was allowed
            time.sleep(0.1)  # the namespace is made a moment after its process
        return False

    def close(self) -> None:
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait()


class User:
    """A user with a project of their own.

    Args:
        home: an empty directory; the project is ``home/project``.
        prefix: put before every command.
        environment: further variables.
    """

    def __init__(self, home: Path, prefix: list[str], environment: dict[str, str]) -> None:
        self.home = home
        self.root = home / "project"
        self.prefix = prefix
        own = str(Path(sys.executable).parent)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GLOBUS", "HEADRACE_"))},
            "HOME": str(home),
            "PATH": f"{own}:{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin",
            **environment,
        }

    def run(
        self, *command: str, code: int | None = 0, more: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in the project."""
        done = subprocess.run(
            [*self.prefix, *command],
            env={**self.environment, **(more or {})},
            cwd=self.root if self.root.is_dir() else self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, f"{command}: {done.stdout}\n{done.stderr}"
        return done

    def headrace(self, *arguments: str, code: int | None = 0) -> str:
        """Runs the command line; what it wrote to standard output."""
        return self.run("headrace", *arguments, code=code).stdout

    def document(self, *arguments: str, code: int | None = 0) -> Any:
        """The same in JSON."""
        return json.loads(self.headrace(*arguments, "-F", "json", code=code))

    def begin(self, template: str = "local", options: str = "workers = 1") -> None:
        """Makes the project, starts its facility and deploys two functions."""
        self.run("headrace", "init", "project")
        shutil.rmtree(self.root / "flows")
        shutil.rmtree(self.root / "triggers")
        for path in (self.root / "compute_functions").glob("*.py"):
            path.unlink()
        (self.root / "compute_functions/hello.py").write_text(HELLO)
        (self.root / "compute_functions/sleeper.py").write_text(SLEEPER)
        (self.root / "flows").mkdir()
        self.configure(template, options)
        self.headrace("facility", "up", "--compute")
        self.headrace("deploy")

    def configure(self, template: str, options: str) -> None:
        """Writes `headrace.toml` with one endpoint, `machine`."""
        (self.root / "headrace.toml").write_text(
            f'[endpoints.machine]\ntemplate = "{template}"\n'
            f"[endpoints.machine.options]\n{options}\n"
            f"[notify]\ncommand = 'cat >> {self.home}/told'\n"
        )

    @functools.cached_property
    def client(self) -> dict[str, str]:
        """Variables of the Compute SDK and of `globus-compute-endpoint`."""
        return dict(self.document("facility", "env", "--compute"))

    def sdk(self, program: str, python: str = sys.executable) -> Any:
        """Runs a program that uses the Compute SDK; the JSON that it prints."""
        done = self.run(python, "-c", program, more=self.client)
        return json.loads(done.stdout.strip().splitlines()[-1])

    def messages(self) -> list[str]:
        """What the user was told."""
        path = self.home / "told"
        return path.read_text().splitlines() if path.exists() else []

    def endpoint_home(self) -> Path:
        return self.root / ".headrace/globus_compute"

    def core(self) -> psutil.Process:
        """The endpoint's own process."""
        text = (self.endpoint_home() / "machine/daemon.pid").read_text()
        return psutil.Process(int(text.split()[0]))

    def online(self) -> bool:
        """Whether the service calls the endpoint online; asked from here, as it is asked often."""
        address = find_address(self.root)
        assert address is not None, "no facility is running"
        services = services_at(address.url, address.token)
        row = endpoint_document(load_project(self.root), "machine", "local", services)
        return bool(row["service"] == "online")

    def marked(self) -> list[psutil.Process]:
        """The processes of the endpoint, batch jobs' left out."""
        mark = str(self.endpoint_home() / "machine")
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("HEADRACE_ENDPOINT") != mark:
                    continue
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def close(self) -> None:
        """Ends all that was started."""
        self.run("headrace", "endpoint", "stop", "machine", code=None)
        self.run("headrace", "facility", "down", code=None)
        for process in self.marked():
            process.send_signal(signal.SIGKILL)
        wait_until(port_is_free, "the end of the facility")


class SharedUser:
    """A user whose endpoint runs, for the tests of several files: until the port is needed."""

    def __init__(self) -> None:
        self._user: User | None = None
        self._home: tempfile.TemporaryDirectory[str] | None = None

    def running(self, namespace: Namespace) -> User:
        """Returns the user, their facility and endpoint `machine` started where they are not."""
        if self._user is None:
            self._home = tempfile.TemporaryDirectory(prefix="headrace", ignore_cleanup_errors=True)
            self._user = User(Path(self._home.name), namespace.prefix, {})
            self._user.begin()
            self._user.headrace("endpoint", "create", "machine")
        else:
            self._user.headrace("facility", "up")
        self._user.headrace("endpoint", "start", "machine")
        return self._user

    def close(self) -> None:
        """Ends all that was started."""
        user, home, self._user, self._home = self._user, self._home, None, None
        try:
            if user is not None:
                user.close()
        finally:
            if home is not None:
                home.cleanup()


def port_is_free() -> bool:
    """Whether the port is free that the Compute SDK insists on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", COMPUTE_PORT))
        except OSError:
            return False
    return True
