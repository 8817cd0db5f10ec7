"""The fits of one segment's traces, by the job script of the project or a site's program."""

from __future__ import annotations


def data_run_fit_segment(
    project: str, directory: str, segment: str, config: str
) -> dict[str, object]:
    """Make ``fitted/run-NNNN-SS-fitted.evt`` of ``raw/run-NNNN-SS.evt``.

    A batch job runs ``job_scripts/data_run_fit_traces.sbatch``, or the ``command`` in ``[fit]`` of
    the configuration. Nothing is run if the fitted segment was made of the same data with the same
    settings before.

    Args:
        project: directory of the project, absolute, as this machine sees it.
        directory: the run's directory, absolute.
        segment: name of the segment's file, ``run-NNNN-SS.evt``.
        config: the configuration; absolute or relative to the project.

    Returns:
        ``segment`` (its name), ``redone`` (whether anything was run), ``reused_from`` (when the
        output was made for another directory, UTC; null where it was not), ``reuse_problem`` (why
        the store of results could not be used; null if nothing was the matter), ``seconds`` that
        the job took then or now, ``failed_attempts`` (``job_id``, ``nodes``, ``cause``, ``seconds``
        of each job that was repeated), ``job_core_hours`` of all attempts.

    Raises:
        StageError: an argument, a setting or a file cannot be used, in one line.
        BatchJobError: the job failed, in one line.
    """
    import re
    from pathlib import Path

    from headrace.compute.attempts import run_repeated_job
    from headrace.compute.stages import (
        DATA_RUN_STAGES,
        StageError,
        absolute_directory,
        existing_file,
        read_stage,
        run_stage,
    )

    here = absolute_directory("project", project)
    run_directory = absolute_directory("directory", directory)
    named = re.fullmatch(r"run-(\d+)-(\d+)\.evt", segment)
    if named is None:
        raise StageError(f"segment {segment!r}: must be named run-NNNN-SS.evt")
    settings = read_stage(
        existing_file(here, config, "the data runs' configuration"),
        "fit",
        DATA_RUN_STAGES["fit"],
    )
    channels = existing_file(
        here, str(settings.specific["channels"]), "the list of channels that are fitted"
    )
    source = run_directory / "raw" / segment
    result = run_stage(
        run_repeated_job,
        settings,
        project=here,
        directory=run_directory,
        name=f"fit-{named[2]}",
        scripts=["data_run_fit_traces.sbatch", "data_run_fit_traces.py", "launch_ranks.sh"],
        arguments=["{input}", "{output}", "--channels", "{channels}"],
        placeholders={
            "input": source,
            "channels": channels,
            "run": int(named[1]),
            "segment": int(named[2]),
        },
        inputs=[source],
        files=[channels],
        output=f"fitted/{Path(segment).stem}-fitted.evt",
    )
    return {
        "segment": segment,
        "redone": result.redone,
        "reused_from": result.reused_from or None,
        "reuse_problem": result.reuse_problem or None,
        "seconds": result.facts.get("seconds"),
        "failed_attempts": result.failed_attempts,
        "job_core_hours": result.core_hours,
    }
