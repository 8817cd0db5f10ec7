"""The analysis of a run, by the job script of the project or a site's program."""

from __future__ import annotations


def data_run_analyze(
    project: str, directory: str, segments: list[str], config: str
) -> dict[str, object]:
    """Make ``analyzed/`` with ``run-NNNN-sorted.root``, summary and pictures of a run's segments.

    A batch job runs ``job_scripts/data_run_analyze.sbatch``, or the ``command`` in ``[analyze]`` of
    the configuration. Nothing is run if the results were made of the same segments with the same
    settings before.

    Args:
        project: directory of the project, absolute, as this machine sees it.
        directory: the run's directory, absolute.
        segments: names of the segments' files, ``run-NNNN-SS.evt``.
        config: the configuration; absolute or relative to the project.

    Returns:
        ``run`` (its number), ``segments`` (how many), ``bytes`` of raw data, ``events``, ``hits``
        and ``fitted`` traces (null where the programs did not say), ``fit_seconds`` (processor
        time of the fits of all segments), ``begin`` and ``end`` of the run (seconds since
        1970-01-01 UTC; null if unknown), ``pictures`` (how many), ``redone`` (whether anything was
        run), ``failed_attempts`` (``job_id``, ``nodes``, ``cause``, ``seconds`` of each job that
        was repeated), ``job_core_hours`` of all attempts.

    Raises:
        StageError: an argument, a setting or a file cannot be used, in one line.
        BatchJobError: the job failed, in one line.
    """
    import json
    import re
    from pathlib import Path

    from headrace.compute.attempts import run_repeated_job
    from headrace.compute.stages import (
        DATA_RUN_STAGES,
        StageError,
        absolute_directory,
        existing_file,
        read_facts,
        read_stage,
        run_stage,
    )

    here = absolute_directory("project", project)
    run_directory = absolute_directory("directory", directory)
    named = [re.fullmatch(r"run-(\d+)-\d+\.evt", str(segment)) for segment in segments]
    numbers = sorted({int(match[1]) for match in named if match})
    if None in named or len(numbers) != 1:
        raise StageError(f"segments {segments!r}: must be named run-NNNN-SS.evt, of one run")
    settings = read_stage(
        existing_file(here, config, "the data runs' configuration"),
        "analyze",
        DATA_RUN_STAGES["analyze"],
    )
    stems = sorted(Path(segment).stem for segment in segments)
    converted = [run_directory / "converted" / f"{stem}.root" for stem in stems]
    # Of FILE.py:CLASS the file; an analysis that headrace brings has none.
    own, _, kind = str(settings.specific["analysis"]).partition(":")
    files = []
    if own.endswith(".py"):
        files.append(existing_file(here, own, "the analysis"))
        own = str(files[-1])
    result = run_stage(
        run_repeated_job,
        settings,
        project=here,
        directory=run_directory,
        name="analyze",
        scripts=["data_run_analyze.sbatch", "data_run_analyze.py"],
        arguments=[
            *(f"{{input}}/{path.name}" for path in converted),
            *("--output", "{output}", "--analysis", "{analysis}", "--workers", "{workers}"),
        ],
        placeholders={
            "input": run_directory / "converted",
            "analysis": f"{own}:{kind}" if kind else own,
            "workers": settings.specific["workers"],
            "run": numbers[0],
            "segments": len(stems),
        },
        inputs=converted,
        files=files,
        output="analyzed",
        output_is_directory=True,
        cpus=int(settings.specific["workers"]),
    )
    fits = [read_facts(run_directory / "fitted" / f"{stem}-fitted.evt") for stem in stems]
    # A program that does not say how long its fits took is taken by its job's time.
    fits = [{"fit_seconds": fit["seconds"], **fit} if "seconds" in fit else fit for fit in fits]
    facts = [read_facts(path) for path in converted]

    def total(facts: list[dict[str, float]], name: str) -> float | None:
        values = [fact[name] for fact in facts if name in fact]
        return sum(values) if len(values) == len(facts) else None

    summaries = sorted(result.output.glob("*summary.json"))
    summary = json.loads(summaries[0].read_text(encoding="utf-8")) if summaries else {}
    raw = [run_directory / "raw" / f"{stem}.evt" for stem in stems]
    return {
        "run": numbers[0],
        "segments": len(stems),
        "bytes": sum(path.stat().st_size for path in raw),
        "events": total(facts, "events"),
        "hits": total(facts, "hits"),
        "fitted": total(facts, "fitted"),
        "fit_seconds": total(fits, "fit_seconds"),
        "begin": summary.get("begin"),
        "end": summary.get("end"),
        "pictures": sum(1 for path in result.output.rglob("*.png")),
        "redone": result.redone,
        "failed_attempts": result.failed_attempts,
        "job_core_hours": result.core_hours,
    }
