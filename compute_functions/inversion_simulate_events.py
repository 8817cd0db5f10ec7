"""Forward or adjoint runs of some events of an inversion."""

from __future__ import annotations


def inversion_simulate_events(
    project: str,
    directory: str,
    kind: str,
    evaluation: str,
    events: list[str],
    resources: dict[str, object] | None = None,
) -> dict[str, object]:
    """Run ``job_scripts/inversion.sbatch`` for some events.

    An event whose run is finished, of the same model and settings, is not computed again; one that
    fails ends the job, and those before it are kept.

    Args:
        project: directory of the project, absolute, as this machine sees it.
        directory: the inversion's directory on this machine, absolute.
        kind: ``forward`` or ``adjoint``.
        evaluation: what they belong to, as the optimiser names it.
        events: names of the events.
        resources: what the job asks for, as ``run_repeated_job`` takes it.

    Returns:
        ``computed`` and ``found`` (numbers of events), ``slurm_job_id``, ``seconds``,
        ``failed_attempts`` (``job_id``, ``nodes``, ``cause``, ``seconds`` of each job that was
        repeated) and ``job_core_hours`` of all attempts.

    Raises:
        ValueError: an argument that cannot be used.
        RuntimeError: the job failed; one line with its last words and where its log is.
    """
    import json
    import os
    import re
    from pathlib import Path

    from headrace.compute.attempts import run_repeated_job

    for name, value in (("project", project), ("directory", directory)):
        path = Path(value) if isinstance(value, str) else Path()
        if not path.is_absolute() or ".." in path.parts or "\0" in str(path):
            raise ValueError(f"{name} must be an absolute path without '..', not {value!r}")
    plain = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
    for text in (evaluation, *events):
        if not isinstance(text, str) or not plain.fullmatch(text):
            raise ValueError(f"{text!r} cannot be the name of an event or an evaluation")
    if not events:
        raise ValueError("events: name one at least")
    if kind not in ("forward", "adjoint"):
        raise ValueError(f"kind {kind!r}: must be forward or adjoint")
    script = Path(project) / "job_scripts" / "inversion.sbatch"
    if not script.is_file():
        raise RuntimeError(f"{script}: no such job script; project must be a headrace project")
    jobs = Path(directory) / "jobs"
    name = f"{evaluation}-{kind}-{events[0]}"
    jobs.mkdir(parents=True, exist_ok=True)
    listed, answer = jobs / f"{name}.events", jobs / f"{name}.json"
    temporary = listed.with_name(f".{listed.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(events), encoding="utf-8")
    temporary.replace(listed)
    job = run_repeated_job(
        str(script),
        str(jobs),
        job=name,
        arguments=[
            kind,
            f"--directory={directory}",
            f"--evaluation={evaluation}",
            f"--events={listed}",
            f"--answer={answer}",
        ],
        name=f"inversion-{kind}",
        outputs=[str(answer)],
        # Events that are finished are not computed again.
        **{"attempts": 3, "resumes": True, **(resources or {})},
    )
    found: dict[str, object] = json.loads(answer.read_text(encoding="utf-8"))
    job_id = job["job_id"] or os.environ.get("SLURM_JOB_ID")
    return {
        **found,
        "slurm_job_id": job_id,
        "seconds": job["seconds"],
        "failed_attempts": job["failed_attempts"],
        "job_core_hours": job["core_hours"],
    }
