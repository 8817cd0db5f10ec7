"""A quick look at a simulation until the end of a leg, by the job script of the project."""

from __future__ import annotations


def md_quicklook(project: str, directory: str, leg: str) -> dict[str, object]:
    """Run ``job_scripts/md_quicklook.sbatch`` on a leg and those before it.

    It draws ``quicklook.png`` in the leg's directory: energies and temperature of all legs so far.

    Args:
        project: directory of the project, absolute, as this machine sees it.
        directory: where the directories of legs are, absolute.
        leg: the last leg's directory, relative to ``directory``.

    Returns:
        ``legs``, ``step``, ``target_step``, ``time_ps``, ``frames``, ``faults`` (texts; none where
        every frame is there once), ``temperature_k``, ``temperature_error_k``,
        ``potential_drift_kj_mol_ns``, ``picture`` (path relative to ``directory``) and
        ``job_core_hours``.

    Raises:
        ValueError: an argument that cannot be used.
        RuntimeError: the job failed; one line that says what is wrong and where.
    """
    import json
    from pathlib import Path, PurePosixPath

    from headrace.compute.attempts import run_repeated_job
    from headrace.compute.stages import StageError, absolute_directory

    try:
        here = absolute_directory("project", project)
        root = absolute_directory("directory", directory)
    except StageError as error:
        raise ValueError(str(error)) from None
    parts = PurePosixPath(leg).parts if isinstance(leg, str) else ()
    if not parts or leg.startswith("/") or ".." in parts or "\0" in leg:
        raise ValueError(f"leg must be a relative path without '..', not {leg!r}")
    script = here / "job_scripts" / "md_quicklook.sbatch"
    if not script.is_file():
        raise RuntimeError(f"{script}: no such job script; project must be a headrace project")
    place = root / leg
    if not place.is_dir():
        raise RuntimeError(f"{place}: no such leg; does this endpoint see the results?")
    job = run_repeated_job(
        str(script),
        str(place),
        job="quicklook",
        arguments=[str(place)],
        name="md_quicklook",
        outputs=["quicklook.png"],
    )
    printed = (Path(job["directory"]) / "stdout").read_text(encoding="utf-8").splitlines()
    found: dict[str, object] = json.loads(printed[-1])
    return {**found, "picture": f"{leg}/quicklook.png", "job_core_hours": job["core_hours"]}
