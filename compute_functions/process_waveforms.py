"""Windows, misfits and adjoint sources of one event, by the job script of the project."""

from __future__ import annotations


def process_waveforms(
    project: str,
    directory: str,
    config: str,
    ranks: int = 1,
    figures: str = "sample",
    event: str = "",
) -> dict[str, object]:
    """Run ``job_scripts/process_waveforms.sbatch`` on one event and sum the results up.

    It reads ``directory/waveforms/{obs,syn}`` (or ``observed``, ``synthetic``), keeps the job's
    command, output and exit code in ``directory/job/``, and replaces ``directory/results/`` as a
    whole at the end, so that a second run after a kill gives the same files.

    Args:
        project: directory of the project, absolute, as this machine sees it.
        directory: the event's directory, absolute.
        config: configuration of the program; absolute or relative to the project.
        ranks: number of MPI ranks, at least 1.
        figures: ``all``, ``sample`` or ``none``.
        event: name of the event; by default the directory's.

    Returns:
        ``event``, ``stations``, ``windows``, ``misfit``, ``problems`` (short texts, at most 20),
        ``results`` (path), ``ranks`` (rank, host, pid, slurm_job_id of each),
        ``slurm_job_id`` and ``seconds``.

    Raises:
        ValueError: an argument that cannot be used.
        RuntimeError: the job failed; one line with its last words and where its log is.
    """
    import contextlib
    import ctypes
    import json
    import os
    import shlex
    import signal
    import subprocess
    import sys
    import threading
    import time
    from pathlib import Path

    most_problems, longest_problem, grace = 20, 200, 10.0

    def absolute(name: str, value: str, base: str = "") -> Path:
        path = Path(base, value) if isinstance(value, str) and value else Path()
        if not path.is_absolute() or ".." in path.parts or "\0" in str(path):
            raise ValueError(f"{name} must be an absolute path without '..', not {value!r}")
        return path

    def either(*names: str) -> Path:
        for name in names:
            if (event_directory / "waveforms" / name).is_dir():
                return event_directory / "waveforms" / name
        raise RuntimeError(f"no {' or '.join(names)} in {event_directory / 'waveforms'}")

    def keep(name: str, text: str) -> None:
        temporary = job / f".{name}.partial"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(job / name)

    def last_words() -> str:
        lines = (job / "stderr").read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "no message")[:500]

    def die_with_parent() -> None:
        # A worker that is killed outright cannot clean up: the kernel tells its child instead.
        pr_set_pdeathsig = 1
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)

    project_directory = absolute("project", project)
    event_directory = absolute("directory", directory)
    config_file = absolute("config", config, base=str(project_directory))
    if not isinstance(ranks, int) or isinstance(ranks, bool) or ranks < 1:
        raise ValueError(f"ranks must be a whole number of at least 1, not {ranks!r}")
    if figures not in ("all", "sample", "none"):
        raise ValueError(f"figures must be all, sample or none, not {figures!r}")
    script = project_directory / "job_scripts" / "process_waveforms.sbatch"
    if not script.is_file():
        raise RuntimeError(f"{script}: no such job script; project must be a headrace project")

    results = event_directory / "results"
    job = event_directory / "job"
    command = [
        "bash",
        str(script),
        f"--observed={either('obs', 'observed')}",
        f"--synthetic={either('syn', 'synthetic')}",
        f"--output={results}",
        f"--config={config_file}",
        f"--figures={figures}",
        f"--event={event or event_directory.name}",
    ]
    environment = {**os.environ, "HEADRACE_RANKS": str(ranks)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    started = time.monotonic()
    stopped_by: list[int] = []
    with contextlib.ExitStack() as cleanup:
        try:
            job.mkdir(exist_ok=True)
            (job / "exit_code").unlink(missing_ok=True)
            keep("command", f"HEADRACE_RANKS={ranks} {shlex.join(command)}\n")
            stdout = cleanup.enter_context((job / "stdout").open("wb"))
            stderr = cleanup.enter_context((job / "stderr").open("wb"))
        except OSError as error:
            raise RuntimeError(f"{job}: cannot write there: {error.strerror}") from None
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=job,
            env=environment,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )

        def signal_group(number: int) -> None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)

        def stop(number: int, frame: object) -> None:
            stopped_by.append(number)
            signal_group(signal.SIGTERM)

        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                previous = signal.signal(number, stop)
                cleanup.callback(signal.signal, number, previous or signal.SIG_DFL)
        cleanup.callback(signal_group, signal.SIGKILL)
        deadline = None
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.2)
            if stopped_by and deadline is None:
                deadline = time.monotonic() + grace
            if deadline is not None and time.monotonic() > deadline:
                signal_group(signal.SIGKILL)
    if stopped_by:
        # The job is gone; now this process gets the signal it would have had without it.
        os.kill(os.getpid(), stopped_by[0])
    code = process.returncode
    keep("exit_code", f"{code}\n")
    if code < 0:
        name = signal.Signals(-code).name
        raise RuntimeError(f"process_waveforms was ended by {name}; log: {job / 'stderr'}")
    if code:
        raise RuntimeError(
            f"process_waveforms failed with exit code {code}: {last_words()}; log: {job / 'stderr'}"
        )
    facts = []
    for line in (job / "stdout").read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            facts.append(json.loads(line))
    summary = json.loads((results / "summary.json").read_text(encoding="utf-8"))
    problems = [
        f"{problem['station']} {problem['component']}: {problem['problem']}"[:longest_problem]
        for problem in summary["problems"]
    ]
    if len(problems) > most_problems:
        rest = len(problems) - most_problems + 1
        problems = [*problems[: most_problems - 1], f"and {rest} more, see misfit.csv"]
    places = ("rank", "host", "pid", "slurm_job_id")
    return {
        "event": summary["event"],
        "stations": summary["stations"],
        "windows": summary["windows"],
        "misfit": summary["misfit"],
        "problems": problems,
        "results": str(results),
        "ranks": [
            {key: fact[key] for key in places}
            for fact in facts
            if isinstance(fact, dict) and fact.get("stage") == "start"
        ],
        "slurm_job_id": os.environ.get("SLURM_JOB_ID"),
        "seconds": round(time.monotonic() - started, 3),
    }
