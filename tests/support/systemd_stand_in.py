"""A stand-in for ``systemctl --user`` on machines without a systemd of the user; run as a script.

It is no systemd: it reads the few keys of a unit that ours have, runs ``ExecStart`` again after
``RESTART`` seconds when it fails, waits for ``READY=1`` and takes a service that is silent for
``WatchdogSec`` for dead. Its state is in the directory that ``STAND_IN_STATE`` names.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESTART = 0.2


def unit_keys(unit: str) -> dict[str, list[str]]:
    """Return the values of a unit's keys."""
    text = (Path(os.environ["XDG_CONFIG_HOME"]) / "systemd" / "user" / unit).read_text()
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def words(value: str) -> list[str]:
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(value)]


class Supervised:
    """The state of one unit."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.directory = Path(os.environ["STAND_IN_STATE"])
        self.directory.mkdir(exist_ok=True)

    def file(self, what: str) -> Path:
        return self.directory / f"{self.unit}.{what}"

    def number(self, what: str) -> int:
        try:
            return int(self.file(what).read_text())
        except (OSError, ValueError):
            return 0

    def stop(self) -> None:
        supervisor = self.number("supervisor")
        if not supervisor:
            return
        try:
            os.kill(supervisor, signal.SIGTERM)
            while Path(f"/proc/{supervisor}").exists():
                time.sleep(0.01)
        except ProcessLookupError:
            pass
        self.file("supervisor").unlink(missing_ok=True)
        self.file("pid").unlink(missing_ok=True)

    def start(self) -> None:
        self.stop()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                self._supervise()
            os._exit(0)
        while not self.file("supervisor").exists():
            time.sleep(0.01)

    def _supervise(self) -> None:
        keys = unit_keys(self.unit)
        log = os.open(self.file("log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for number in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDONLY) if number == 0 else log, number)
        self.file("supervisor").write_text(str(os.getpid()))
        self.file("restarts").write_text("0")
        ending: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, frame: ending.append(number))
        for attempt in range(1_000_000):
            self.file("restarts").write_text(str(attempt))
            code = self._run_once(keys, ending)
            if ending or code == 0:
                break
            time.sleep(RESTART)
        os._exit(0)

    def _hear(self, receiver: socket.socket) -> bool:
        try:
            message = receiver.recv(4096).decode()
        except TimeoutError:
            return False
        with self.file("messages").open("a") as stream:
            stream.write(f"{message}\n")
        return True

    def _run_once(self, keys: dict[str, list[str]], ending: list[int]) -> int:
        # The name of a socket has at most 107 bytes.
        directory = tempfile.mkdtemp(prefix="stand-in-", dir="/tmp")
        address = f"{directory}/notify"
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(address)
        receiver.settimeout(0.05)
        environment = dict(
            word.split("=", 1) for line in keys.get("Environment", []) for word in words(line)
        )
        process = subprocess.Popen(
            words(keys["ExecStart"][0]),
            cwd=keys["WorkingDirectory"][0].replace("%%", "%"),
            env={**os.environ, **environment, "NOTIFY_SOCKET": address},
            start_new_session=True,
        )
        self.file("pid").write_text(str(process.pid))
        silence = float(keys.get("WatchdogSec", ["1e9"])[0])
        heard, asked_to_end = time.monotonic(), False
        while (alive := process.poll() is None) or self._hear(receiver):
            if ending and alive and not asked_to_end:
                process.terminate()
                asked_to_end = True
            if self._hear(receiver):
                heard = time.monotonic()
            elif alive and time.monotonic() - heard > silence:
                process.send_signal(signal.SIGABRT)
        receiver.close()
        shutil.rmtree(directory)
        return process.wait()


def main(arguments: list[str]) -> int:
    verb, *rest = [word for word in arguments if word not in ("--user", "--now", "--no-block")]
    units = [word for word in rest if not word.startswith("--")]
    if verb == "show" and not units:
        print("Version=stand-in")
    elif verb == "show":
        unit = Supervised(units[0])
        there = (Path(os.environ["XDG_CONFIG_HOME"]) / "systemd" / "user" / unit.unit).exists()
        pid = unit.number("pid") if unit.number("supervisor") else 0
        alive = pid and Path(f"/proc/{pid}").exists()
        print(f"LoadState={'loaded' if there else 'not-found'}")
        print(f"ActiveState={'active' if alive else 'inactive'}")
        print(f"MainPID={pid if alive else 0}\nNRestarts={unit.number('restarts')}")
        print("StateChangeTimestamp=now")
    elif verb == "restart":
        Supervised(units[0]).start()
    elif verb == "disable":
        Supervised(units[0]).stop()
    elif verb not in ("daemon-reload", "enable"):
        print(f"the stand-in knows no {verb}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
