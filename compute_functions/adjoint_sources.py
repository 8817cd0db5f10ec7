"""Windows, misfits and adjoint sources of one event, by the job script of the project."""

from __future__ import annotations


def adjoint_sources(
    project: str,
    directory: str,
    config: str,
    ranks: int = 1,
    figures: str = "sample",
    event: str = "",
    attempts: int = 3,
) -> dict[str, object]:
    """Run ``job_scripts/adjoint_sources.sbatch`` on one event and sum the results up.

    It reads ``directory/waveforms/{obs,syn}`` (or ``observed``, ``synthetic``), keeps the job's
    files in ``directory/job/``, and replaces ``directory/results/`` as a whole at the end, so
    that a second run after a kill gives the same files. On a login node the script is submitted.

    Args:
        project: directory of the project, absolute, as this machine sees it.
        directory: the event's directory, absolute.
        config: configuration of the program; absolute or relative to the project.
        ranks: number of MPI ranks, at least 1.
        figures: ``all``, ``sample`` or ``none``.
        event: name of the event; by default the directory's.
        attempts: how often the job is run at most where its node, time, memory or files failed it.

    Returns:
        ``event``, ``stations``, ``windows``, ``misfit``, ``problems`` (short texts, at most 20),
        ``results`` (path), ``ranks`` (rank, host, pid, slurm_job_id of each),
        ``slurm_job_id``, ``seconds``, ``failed_attempts`` (``job_id``, ``nodes``, ``cause``,
        ``seconds`` of each job that was repeated) and ``job_core_hours`` of all attempts.

    Raises:
        ValueError: an argument that cannot be used.
        RuntimeError: the job failed; one line with its last words and where its log is.
    """
    import json
    import os
    import time
    from pathlib import Path

    from headrace.compute.attempts import run_repeated_job

    max_problems, longest_problem = 20, 600

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

    def facts(log: Path) -> list[dict[str, object]]:
        found = []
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                fact = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(fact, dict):
                found.append(fact)
        return found

    project_directory = absolute("project", project)
    event_directory = absolute("directory", directory)
    config_file = absolute("config", config, base=str(project_directory))
    if not isinstance(ranks, int) or isinstance(ranks, bool) or ranks < 1:
        raise ValueError(f"ranks must be a whole number of at least 1, not {ranks!r}")
    if figures not in ("all", "sample", "none"):
        raise ValueError(f"figures must be all, sample or none, not {figures!r}")
    script = project_directory / "job_scripts" / "adjoint_sources.sbatch"
    if not script.is_file():
        raise RuntimeError(f"{script}: no such job script; project must be a headrace project")

    started = time.monotonic()
    results = event_directory / "results"
    job = run_repeated_job(
        str(script),
        str(event_directory),
        arguments=[
            f"--observed={either('obs', 'observed')}",
            f"--synthetic={either('syn', 'synthetic')}",
            f"--output={results}",
            f"--config={config_file}",
            f"--figures={figures}",
            f"--event={event or event_directory.name}",
        ],
        name="adjoint_sources",
        ntasks=ranks,
        launcher="mpiexec",
        outputs=["results/summary.json"],
        attempts=attempts,
    )
    summary = json.loads((results / "summary.json").read_text(encoding="utf-8"))
    problems = [
        f"{problem['station']} {problem['component']}: {problem['problem']}"[:longest_problem]
        for problem in summary["problems"]
    ]
    if len(problems) > max_problems:
        rest = len(problems) - max_problems + 1
        problems = [*problems[: max_problems - 1], f"and {rest} more, see misfit.csv"]
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
            for fact in facts(Path(job["directory"]) / "stdout")
            if fact.get("stage") == "start"
        ],
        "slurm_job_id": job["job_id"] or os.environ.get("SLURM_JOB_ID"),
        "seconds": round(time.monotonic() - started, 3),
        "failed_attempts": job["failed_attempts"],
        "job_core_hours": job["core_hours"],
    }
