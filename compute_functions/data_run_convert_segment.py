"""One fitted segment as a ROOT file, by the job script of the project or a site's program."""

from __future__ import annotations


def data_run_convert_segment(
    project: str, directory: str, segment: str, config: str
) -> dict[str, object]:
    """Make ``converted/run-NNNN-SS.root`` of ``fitted/run-NNNN-SS-fitted.evt``.

    A batch job runs ``job_scripts/data_run_convert.sbatch``, or the ``command`` in ``[convert]`` of
    the configuration. Nothing is run if the ROOT file was made of the same data with the same
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
    settings = read_stage(existing_file(here, config, "the data runs' configuration"), "convert")
    stem = Path(segment).stem
    source = run_directory / "fitted" / f"{stem}-fitted.evt"
    result = run_stage(
        run_repeated_job,
        settings,
        project=here,
        directory=run_directory,
        name=f"convert-{named[2]}",
        scripts=["data_run_convert.sbatch", "data_run_convert.py"],
        arguments=["{input}", "{output}"],
        placeholders={"input": source, "run": int(named[1]), "segment": int(named[2])},
        inputs=[source],
        output=f"converted/{stem}.root",
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
