"""Running a stage as a batch job, unless what it would make is there."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import StageError
from .manifest import Record, digest, record_path
from .settings import StageSettings

SITE_SCRIPT = "site_command.sbatch"
"""The job script that runs a site's command."""

_MOST_FACTS = 20


@dataclass(frozen=True)
class StageResult:
    """What became of a stage.

    Attributes:
        output: the file or directory that it makes.
        redone: whether it was made now, and not there already.
        facts: numbers that the program told about it, then or now.
        job: what `run_batch_job` returned; empty if nothing was run.
    """

    output: Path
    redone: bool
    facts: dict[str, Any]
    job: dict[str, Any] = field(default_factory=dict)


def run_stage(
    run_job: Callable[..., dict[str, Any]],
    settings: StageSettings,
    *,
    project: Path,
    directory: Path,
    name: str,
    programs: Sequence[str],
    words: Sequence[str],
    values: Mapping[str, object],
    inputs: Sequence[Path],
    files: Sequence[Path] = (),
    output: str,
    folder: bool = False,
    cpus: int = 1,
) -> StageResult:
    """Run a stage's job script, or the site's command in its place.

    The output appears under its name when it is whole, with a record of what it was made from. As
    long as inputs, files, arguments and the output itself are the same, nothing is run.

    Args:
        run_job: `headrace.compute.batch.run_batch_job`.
        settings: of the stage.
        project: the project's directory.
        directory: where inputs and output are, and the directories of the jobs.
        name: of the job; one output has one name.
        programs: the job script and what it starts, in ``job_scripts``; a site's command takes
            their place.
        words: the job script's arguments, with placeholders.
        values: what stands for the placeholders; ``output``, ``directory``, ``project``,
            ``ranks`` are added.
        inputs: the data that the output is made from.
        files: further files of the project that it hangs on.
        output: file or directory, relative to ``directory``.
        folder: whether the output is a directory, which is made for the program then.
        cpus: processors of a rank.

    Raises:
        StageError: an input is missing, or a setting is wrong.
        BatchJobError: the job failed.
    """
    place = directory / output
    site = settings.site_words()
    template = site or [*words, *settings.arguments]
    scripts = [project / "job_scripts" / name for name in ([SITE_SCRIPT] if site else programs)]
    more = [project / file for file in settings.files]
    hung_on = [*inputs, *files, *more, *scripts]
    record = Record(record_path(place), place, _wanted(directory, project, hung_on, template))
    facts = record.kept()
    if facts is not None:
        return StageResult(place, False, facts)
    workspace = directory / "unfinished" / f"{name}-{record.name()}"
    made = workspace / place.name
    _make(made if folder else workspace, place.parent)
    filled = settings.fill(
        template,
        {
            **values,
            "output": made,
            "directory": directory,
            "project": project,
            "ranks": settings.ranks,
        },
    )
    job = _run(
        run_job,
        settings.attempts,
        name,
        directory / "jobs",
        script=str(scripts[0]),
        arguments=filled,
        name=name,
        ntasks=settings.ranks,
        outputs=[str(made)],
        **{"launcher": "mpiexec", "cpus_per_task": cpus, **settings.job},
    )
    facts = {"seconds": job["seconds"], **_told(Path(job["directory"]) / "stdout")}
    # First the record: killed in between, its output is missing, and is put into place next time.
    record.write(made, facts)
    _put(made, place)
    for left in workspace.parent.glob(f"{name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    with contextlib.suppress(OSError):  # another stage is at work there
        workspace.parent.rmdir()
    return StageResult(place, True, facts, job)


def _run(
    run_job: Callable[..., dict[str, Any]],
    attempts: int,
    job: str,
    workdir: Path,
    *,
    script: str,
    **asked: Any,
) -> dict[str, Any]:
    """Run a job, and again if it failed in a way that may be another one the next time."""
    for attempt in range(1, attempts):
        # A job of another name is another job, also for a batch system that knows the first one.
        named = job if attempt == 1 else f"{job}-{attempt}"
        try:
            return run_job(script, str(workdir), job=named, **asked)
        except Exception as error:
            # A BatchJobError, of a package that this one does not import.
            if not getattr(error, "retryable", False):
                raise
    return run_job(script, str(workdir), job=job if attempts == 1 else f"{job}-{attempts}", **asked)


def _wanted(
    directory: Path, project: Path, paths: Sequence[Path], template: Sequence[str]
) -> dict[str, Any]:
    digests = {}
    for path in paths:
        digests[_shown(path, directory, project)] = found = digest(path)
        if not found:
            raise StageError(f"{path}: missing; an earlier stage makes it, or the project has it")
    return {"inputs": digests, "command": list(template)}


def _shown(path: Path, directory: Path, project: Path) -> str:
    for base in (directory, project):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.name


def _make(*directories: Path) -> None:
    for path in directories:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StageError(f"{path}: cannot be made: {error.strerror}") from error


def _put(made: Path, place: Path) -> None:
    try:
        if place.is_dir():
            shutil.rmtree(place)
        made.replace(place)
    except OSError as error:
        raise StageError(f"{place}: cannot be put into place: {error.strerror}") from error


def _told(stdout: Path) -> dict[str, Any]:
    """Return the numbers in the last line of JSON that the program wrote."""
    try:
        lines = stdout.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    for line in reversed(lines):
        try:
            fact = json.loads(line)
        except ValueError:
            continue
        if isinstance(fact, dict):
            numbers = {k: v for k, v in fact.items() if isinstance(v, int | float)}
            return dict(list(numbers.items())[:_MOST_FACTS])
    return {}
