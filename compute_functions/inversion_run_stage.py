"""A light stage of an inversion's iteration: check, decide, update, results, pictures."""

from __future__ import annotations


def inversion_run_stage(
    project: str, directory: str, stage: str, iteration: int
) -> dict[str, object]:
    """Run ``job_scripts/inversion.sbatch`` for a stage and give its answer.

    The stage finds out from the files what has been done; called again after a kill, it goes on.

    Args:
        project: directory of the project, absolute, as this machine sees it.
        directory: the inversion's directory on this machine, absolute.
        stage: ``check``, ``decide``, ``update``, ``results`` or ``pictures``.
        iteration: number of the iteration.

    Returns:
        The stage's answer: what is next (``next``, ``evaluation``, ``parts``, ``resources``), or
        what came out; and ``job_core_hours`` of all attempts.

    Raises:
        ValueError: an argument that cannot be used.
        RuntimeError: the stage failed; one line that says what is wrong and where.
    """
    import json
    from pathlib import Path

    from headrace.compute.attempts import run_repeated_job

    for name, value in (("project", project), ("directory", directory)):
        path = Path(value) if isinstance(value, str) else Path()
        if not path.is_absolute() or ".." in path.parts or "\0" in str(path):
            raise ValueError(f"{name} must be an absolute path without '..', not {value!r}")
    if stage not in ("check", "decide", "update", "results", "pictures"):
        raise ValueError(f"stage {stage!r}: must be check, decide, update, results or pictures")
    if not isinstance(iteration, int) or isinstance(iteration, bool) or iteration < 0:
        raise ValueError(f"iteration must be a whole number of at least 0, not {iteration!r}")
    script = Path(project) / "job_scripts" / "inversion.sbatch"
    if not script.is_file():
        raise RuntimeError(f"{script}: no such job script; project must be a headrace project")
    jobs = Path(directory) / "jobs"
    name = f"{iteration:03d}-{stage}"
    answer = jobs / f"{name}.json"
    job = run_repeated_job(
        str(script),
        str(jobs),
        job=name,
        arguments=[
            stage,
            f"--directory={directory}",
            f"--iteration={iteration}",
            f"--answer={answer}",
        ],
        name=f"inversion-{stage}",
        outputs=[str(answer)],
        attempts=3,
        resumes=True,
    )
    found: dict[str, object] = json.loads(answer.read_text(encoding="utf-8"))
    return {**found, "job_core_hours": job["core_hours"]}
