"""One leg of a molecular-dynamics simulation, by the job script of the project."""

from __future__ import annotations


def md_run_leg(
    project: str,
    directory: str,
    leg: str,
    engine: str,
    config: str,
    steps: int = 0,
    target_step: int = 0,
    number: int = 1,
    previous: str = "",
) -> dict[str, object]:
    """Run ``job_scripts/md_leg.sbatch`` on a leg's directory, and tell how far it came.

    The job goes on from the last good checkpoint in ``state/``, or from what ``previous/`` holds,
    or begins with ``input/``. It is run again where its node, time, memory or files failed it. A
    leg whose jobs were all lost is no failure if a checkpoint of it is left: a short job finds how
    far it came.

    Args:
        project: directory of the project, absolute, as this machine sees it.
        directory: where the directories of legs are, absolute.
        leg: the leg's directory, relative to ``directory``.
        engine: name of the engine, such as ``gromacs`` or ``openmm``.
        config: the settings, ``md.toml``; absolute or relative to the project.
        steps: steps of the leg; 0: as the settings say.
        target_step: last step of the simulation; 0: as its input says.
        number: number of the leg within its directory, from 1.
        previous: name of the leg before, for the record.

    Returns:
        What ``leg.json`` says (``step``, ``target_step``, ``time_ps``, ``done``, ``complete``,
        ``frames``, ``ns_per_day``, means of energies and temperature, ...); ``lost`` (why the jobs
        ended before the leg did; "" where they did not), ``failed_attempts`` (``job_id``,
        ``nodes``, ``cause``, ``seconds`` of each job that was repeated) and ``job_core_hours`` of
        all attempts.

    Raises:
        ValueError: an argument or a setting that cannot be used.
        RuntimeError: the leg failed; one line that says what is wrong and where.
    """
    import json
    import re
    import tomllib
    from pathlib import PurePosixPath

    from headrace.compute.attempts import run_repeated_job
    from headrace.compute.batch import BatchJobError, run_batch_job
    from headrace.compute.scheduler import walltime_seconds
    from headrace.compute.stages import StageError, absolute_directory, existing_file

    # What the end of a leg needs: its last checkpoint, and reading it.
    reserve, minimum_reserve, maximum_reserve = 0.05, 120.0, 0.5
    default_walltime = "04:00:00"
    # Ends of a job that say nothing of the simulation: a checkpoint may be there.
    not_its_fault = {"time_limit", "node_failure", "lost"}

    try:
        here = absolute_directory("project", project)
        root = absolute_directory("directory", directory)
        file = existing_file(here, config, "the settings of legs")
    except StageError as error:
        raise ValueError(str(error)) from None
    parts = PurePosixPath(leg).parts if isinstance(leg, str) else ()
    if not parts or leg.startswith("/") or ".." in parts or "\0" in leg:
        raise ValueError(f"leg must be a relative path without '..', not {leg!r}")
    for name, value, minimum in (
        ("steps", steps, 0),
        ("target_step", target_step, 0),
        ("number", number, 1),
    ):
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise ValueError(f"{name} must be a whole number of at least {minimum}, not {value!r}")
    script = here / "job_scripts" / "md_leg.sbatch"
    if not script.is_file():
        raise RuntimeError(f"{script}: no such job script; project must be a headrace project")
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("leg", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: not valid TOML: {error}") from None
    job_table = table.get("job", {}) if isinstance(table, dict) else None
    if not isinstance(job_table, dict):
        raise ValueError(f"{file}: leg and leg.job must be tables, [leg] and [leg.job]")
    job_settings = {"walltime": default_walltime, **job_table}
    walltime = walltime_seconds(str(job_settings["walltime"]))
    if walltime is None:
        raise ValueError(f"{file}: [leg.job] walltime {job_settings['walltime']!r}: HH:MM:SS")
    hours = table.get("hours", 0)
    if not isinstance(hours, int | float) or isinstance(hours, bool) or hours < 0:
        raise ValueError(f"{file}: [leg] hours must be a number of at least 0, not {hours!r}")
    spare = min(max(reserve * walltime, minimum_reserve), maximum_reserve * walltime)
    seconds = hours * 3600 or walltime - spare

    place = root / leg
    arguments = [
        str(place),
        f"--engine={engine}",
        f"--settings={file}",
        f"--steps={steps}",
        f"--target-step={target_step}",
        f"--number={number}",
        f"--previous={previous}",
    ]
    member = re.sub(r"[^\w.-]", "_", parts[0])
    suffix = "" if number == 1 else f"-{number}"

    def record() -> dict[str, object]:
        found: dict[str, object] = json.loads((place / "leg.json").read_text(encoding="utf-8"))
        return found

    try:
        job = run_repeated_job(
            str(script),
            str(place),
            job=f"job{suffix}",
            arguments=[*arguments, f"--seconds={seconds:.0f}"],
            name=f"md_leg-{member}",
            outputs=["leg.json"],
            **{
                "ntasks": table.get("ranks", 1),
                "attempts": table.get("attempts", 3),
                "resumes": True,
                **job_settings,
            },
        )
    except BatchJobError as error:
        if error.status not in not_its_fault:
            raise
        assessed = run_batch_job(
            str(script),
            str(place),
            job=f"assess{suffix}",
            arguments=[*arguments, "--assess"],
            name=f"md_assess-{member}",
            outputs=["leg.json"],
            **{"ntasks": 1, **job_settings, "walltime": "00:15:00"},
        )
        found = record()
        if not int(str(found["step"])) > int(str(found["first_step"])):
            raise
        hours_used = assessed["core_hours"]
        return {**found, "lost": str(error), "failed_attempts": [], "job_core_hours": hours_used}
    return {
        **record(),
        "lost": "",
        "failed_attempts": job["failed_attempts"],
        "job_core_hours": job["core_hours"],
    }
