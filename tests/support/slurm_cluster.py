"""A private Slurm cluster for tests: real daemons, several virtual nodes, loopback only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

NEEDED = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
_PR_SET_PDEATHSIG = 1


def missing() -> list[str]:
    """Programs of Slurm and munge that are not on this machine."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    return [name for name in NEEDED if shutil.which(name, path=path) is None]


class SlurmCluster:
    """Slurm with ``nodes`` virtual nodes of ``cpus`` processors each, in a directory of its own.

    Attributes:
        env: variables that make Slurm's commands talk to this cluster.

    Args:
        prefix: put before every command, so that the cluster is another account's.
        gpus: GPUs of each node, which are plain files: Slurm counts them, no more.
    """

    def __init__(
        self, nodes: int = 2, cpus: int = 2, prefix: Sequence[str] = (), gpus: int = 0
    ) -> None:
        self.gpus = gpus
        self.prefix = list(prefix)
        self.nodes = nodes
        self.cpus = cpus
        # Short: munge's socket has at most 107 characters.
        self.directory = Path(tempfile.mkdtemp(prefix="slurm", dir="/tmp"))
        self.conf = self.directory / "slurm.conf"
        self.env = {"SLURM_CONF": str(self.conf)}
        self._daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> SlurmCluster:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, *command: str, check: bool = True) -> str:
        """Run one of Slurm's commands against this cluster; its output."""
        done = subprocess.run(
            [*self.prefix, *command],
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=120,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.stderr}")
        return done.stdout

    def queue(self) -> dict[str, tuple[str, str]]:
        """Jobs that wait or run: (name, state) by job id."""
        lines = self.run("squeue", "--noheader", "--format=%i|%j|%T").splitlines()
        return {j: (name, state) for j, name, state in (line.split("|") for line in lines)}

    def jobs(self) -> dict[str, dict[str, str]]:
        """Every job that Slurm remembers: the fields of ``scontrol show job`` by job id."""
        found = {}
        for line in self.run("scontrol", "--oneliner", "show", "job", check=False).splitlines():
            fields = dict(part.split("=", 1) for part in line.split() if "=" in part)
            if "JobId" in fields:
                found[fields["JobId"]] = fields
        return found

    def wait_for_empty_queue(self, timeout: float = 120.0) -> None:
        """Wait until no job waits or runs."""
        deadline = time.monotonic() + timeout
        while queue := self.queue():
            assert time.monotonic() < deadline, f"still in the queue: {queue}"
            time.sleep(0.1)

    def lose_node(self, name: str) -> None:
        """Kill a node's daemon and what it runs, as when its power fails."""
        number = int(name.removeprefix("n"))
        daemon = self._daemons[1 + number]
        ours = [p for p in self._left_behind() if "slurmstepd" in p.name()]
        for process in [*ours, *(c for step in ours for c in step.children(recursive=True))]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        daemon.kill()

    def kill(self) -> None:
        """Kill all daemons and jobs, as when the power of the whole machine room fails."""
        for daemon in self._daemons:
            daemon.kill()
        for process in self._left_behind():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def stop(self) -> None:
        """End the jobs and the daemons, and remove the directory."""
        if self.conf.exists() and self._daemons and self._daemons[-1].poll() is None:
            self.run("scancel", f"--user={self._user()}", check=False)
            deadline = time.monotonic() + 30
            while self.run("squeue", "--noheader", check=False) and time.monotonic() < deadline:
                time.sleep(0.1)
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in reversed(self._daemons):
            try:
                daemon.wait(5)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for process in self._left_behind():
            process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _left_behind(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                own = process.uids().real == os.getuid()
                if own and process.environ().get("SLURM_CONF") == str(self.conf):
                    found.append(process)
            except psutil.Error:
                continue
        return [p for p in found if p.pid != os.getpid()]

    def _start(self) -> None:
        d = self.directory
        d.chmod(0o755)
        for name in ("munge", "state", "log", "run", *(f"spool/n{i + 1}" for i in self._range())):
            (d / name).mkdir(parents=True, mode=0o755)
        (d / "state").chmod(0o700)
        (d / "munge/key").write_bytes(secrets.token_bytes(128))
        (d / "munge/key").chmod(0o600)
        mail = d / "mail"
        mail.write_text("#!/bin/sh\nexit 0\n")
        mail.chmod(0o755)
        devices = [d / f"gpu{number}" for number in range(self.gpus)]
        for device in devices:
            device.touch()
        lines = [f"Name=gpu Type=a100 File={device}\n" for device in devices]
        (d / "gres.conf").write_text("".join(lines))
        self.conf.write_text(self._configuration())
        self._launch(
            "munged", "--foreground", "--force", f"--socket={d}/munge/sock",
            f"--key-file={d}/munge/key", f"--log-file={d}/munge/log",
            f"--pid-file={d}/munge/pid", f"--seed-file={d}/munge/seed",
        )  # fmt: skip
        self._wait("munge", lambda: self._answers("munge", "-S", f"{d}/munge/sock", "-n"))
        self._launch("slurmctld", "-D", "-f", str(self.conf))
        for i in self._range():
            self._launch("slurmd", "-D", "-N", f"n{i + 1}", "-f", str(self.conf))
        self._wait("the nodes", self._nodes_are_idle)

    def _range(self) -> range:
        return range(self.nodes)

    def _launch(self, *command: str) -> None:
        path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        log = self.directory / "log" / f"{command[0]}-{len(self._daemons)}.out"
        libc = ctypes.CDLL(None)
        with log.open("wb") as out:
            daemon = subprocess.Popen(
                [*self.prefix, *command],
                env={**os.environ, **self.env, "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                # A test run that is killed leaves no cluster behind.
                preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM),
            )
        self._daemons.append(daemon)

    def _user(self) -> str:
        command = [*self.prefix, "id", "-un"]
        return subprocess.run(
            command, capture_output=True, text=True, errors="backslashreplace", check=True
        ).stdout.strip()

    def _answers(self, *command: str) -> bool:
        return (
            subprocess.run([*self.prefix, *command], capture_output=True, check=False).returncode
            == 0
        )

    def _nodes_are_idle(self) -> bool:
        out = self.run("sinfo", "--noheader", "-N", "-o", "%T", check=False)
        return out.split() == ["idle"] * self.nodes

    def _wait(self, what: str, ready: object, timeout: float = 120.0) -> None:
        assert callable(ready)
        deadline = time.monotonic() + timeout
        while not ready():
            dead = [d.args for d in self._daemons if d.poll() is not None]
            logs = "\n".join(p.read_text()[-500:] for p in (self.directory / "log").glob("*.out"))
            assert not dead, f"{dead} ended\n{logs}"
            assert time.monotonic() < deadline, f"{what} did not come up\n{logs}"
            time.sleep(0.05)

    def _configuration(self) -> str:
        d = self.directory
        user = self._user()
        host = socket.gethostname().split(".")[0]
        control, *node_ports = _free_ports(self.nodes + 1)
        gres = f"Gres=gpu:a100:{self.gpus} " if self.gpus else ""
        nodes = "\n".join(
            f"NodeName=n{i + 1} NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
            f" CPUs={self.cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={self.cpus}"
            f" ThreadsPerCore=1 RealMemory=1000 Feature=cpu {gres}State=UNKNOWN"
            for i, port in enumerate(node_ports)
        )
        return f"""\
ClusterName=headrace
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny,NoAddrCache
AuthType=auth/munge
AuthInfo=socket={d}/munge/sock
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={d}/state
SlurmdSpoolDir={d}/spool/%n
SlurmctldPidFile={d}/run/slurmctld.pid
SlurmdPidFile={d}/run/slurmd-%n.pid
SlurmctldLogFile={d}/log/slurmctld.log
SlurmdLogFile={d}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=2,sched_min_interval=0,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
MailProg={d}/mail
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=10
KillWait=2
UnkillableStepTimeout=20
MinJobAge=300
MessageTimeout=10
{"GresTypes=gpu" if self.gpus else ""}
PropagateResourceLimits=NONE
{nodes}
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
