"""Run a stage as a batch job, unless its output is up to date."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import StageError
from .manifest import Manifest, digest, manifest_path
from .result_keys import result_key
from .reuse import StageReuse
from .settings import StageSettings

SITE_SCRIPT = "site_command.sbatch"
"""The job script that runs a site's command."""

_MAX_FACTS = 20


@dataclass(frozen=True)
class StageResult:
    """Result of a stage.

    Attributes:
        output: the file or directory that it makes.
        redone: whether it was made now, and not there already.
        facts: numbers that the program printed about it, then or now.
        job: what `run_job` returned; empty if nothing was run.
        reused_from: when the output was made (UTC), where it was made for another directory; ""
            where it was not.
        reuse_problem: why the store of results could not be used; "" where nothing was the matter.
    """

    output: Path
    redone: bool
    facts: dict[str, Any]
    job: dict[str, Any] = field(default_factory=dict)
    reused_from: str = ""
    reuse_problem: str = ""

    @property
    def failed_attempts(self) -> list[dict[str, Any]]:
        """The jobs that were repeated: ``job_id``, ``nodes``, ``cause``, ``seconds`` of each."""
        return list(self.job.get("failed_attempts", ()))

    @property
    def core_hours(self) -> float | None:
        """Core hours of all attempts; None where they are not known."""
        return self.job.get("core_hours") if self.redone else 0.0


def run_stage(
    run_job: Callable[..., dict[str, Any]],
    settings: StageSettings,
    *,
    project: Path,
    directory: Path,
    name: str,
    scripts: Sequence[str],
    arguments: Sequence[str],
    placeholders: Mapping[str, object],
    inputs: Sequence[Path],
    files: Sequence[Path] = (),
    output: str,
    output_is_directory: bool = False,
    cpus: int = 1,
) -> StageResult:
    """Run a stage's job script, or the site's command in its place.

    The output appears under its name when it is complete, with a manifest of its inputs. As long as
    inputs, files, arguments and the output itself are the same, nothing is run. With the setting
    ``reuse`` nothing is run either where an equal stage of another directory has its output in the
    store of results; what is made is added to it.

    Args:
        run_job: `headrace.compute.attempts.run_repeated_job`.
        settings: of the stage.
        project: the project's directory.
        directory: where inputs and output are, and the directories of the jobs.
        name: of the job; one output has one name.
        scripts: the job script and the programs it starts, in ``job_scripts``; a site's command
            replaces them.
        arguments: of the job script, with placeholders.
        placeholders: their values; ``output``, ``directory``, ``project``, ``ranks`` are added.
        inputs: the data that the output is made from.
        files: further files of the project that the output depends on.
        output: file or directory, relative to ``directory``.
        output_is_directory: whether the output is a directory, which is made for the program then.
        cpus: processors of a rank.

    Raises:
        StageError: an input is missing, or a setting is wrong.
        BatchJobError: the job failed.
    """
    output_path = directory / output
    site_command = settings.site_command()
    template = site_command or [*arguments, *settings.arguments]
    script_paths = [
        project / "job_scripts" / name for name in ([SITE_SCRIPT] if site_command else scripts)
    ]
    more = [project / file for file in settings.files]
    dependencies = [*inputs, *files, *more, *script_paths]

    def read_inputs() -> dict[str, Any]:
        return _manifest_inputs(directory, project, dependencies, template)

    manifest = Manifest(manifest_path(output_path), output_path, read_inputs())
    facts = manifest.cached_result()
    if facts is not None:
        return StageResult(output_path, False, facts, reused_from=manifest.reused_from())
    values = {
        **placeholders,
        "directory": directory,
        "project": project,
        "ranks": settings.ranks,
    }
    final = {**values, "output": output_path}
    workspace = directory / "unfinished" / f"{name}-{manifest.short_digest()}"
    reuse = StageReuse(
        directory / settings.reuse if settings.reuse else None,
        workspace,
        lambda inputs: result_key(settings, inputs, template, final, directory, project),
    )
    if found := reuse.copy_out(output_path.name, manifest.inputs):
        made, stored = found
        _make_directories(output_path.parent)
        manifest.write(made, stored.facts, stored.made_at)
        _replace_output(made, output_path)
        _remove_workspaces(workspace.parent, name)
        return StageResult(output_path, False, stored.facts, reused_from=stored.made_at)
    made = workspace / output_path.name
    _make_directories(made if output_is_directory else workspace, output_path.parent)
    reuse.record_key()
    filled = settings.fill_placeholders(template, {**values, "output": made})
    job = run_job(
        str(script_paths[0]),
        str(directory / "jobs"),
        job=name,
        arguments=filled,
        name=name,
        ntasks=settings.ranks,
        outputs=[str(made)],
        **{
            "launcher": "mpiexec",
            "cpus_per_task": cpus,
            "attempts": settings.attempts,
            **settings.job,
        },
    )
    facts = {"seconds": job["seconds"], **_reported_facts(Path(job["directory"]) / "stdout")}
    reuse.add(made, facts, read_inputs)
    # First the manifest: killed in between, its output is missing, and the next call
    # moves it into place.
    manifest.write(made, facts)
    _replace_output(made, output_path)
    _remove_workspaces(workspace.parent, name)
    return StageResult(output_path, True, facts, job, reuse_problem=reuse.problem)


def _remove_workspaces(unfinished: Path, name: str) -> None:
    for old in unfinished.glob(f"{name}-*"):
        shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(OSError):  # another stage is at work there
        unfinished.rmdir()


def _manifest_inputs(
    directory: Path, project: Path, paths: Sequence[Path], template: Sequence[str]
) -> dict[str, Any]:
    digests = {}
    for path in paths:
        digests[_relative_name(path, directory, project)] = found = digest(path)
        if not found:
            raise StageError(f"{path}: missing; an earlier stage makes it, or the project has it")
    return {"files": digests, "command": list(template)}


def _relative_name(path: Path, directory: Path, project: Path) -> str:
    for base in (directory, project):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.name


def _make_directories(*directories: Path) -> None:
    for path in directories:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StageError(f"{path}: cannot be made: {error.strerror}") from error


def _replace_output(made: Path, output_path: Path) -> None:
    try:
        if output_path.is_dir():
            shutil.rmtree(output_path)
        made.replace(output_path)
    except OSError as error:
        raise StageError(f"{output_path}: cannot be moved into place: {error.strerror}") from error


def _reported_facts(stdout: Path) -> dict[str, Any]:
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
            return dict(list(numbers.items())[:_MAX_FACTS])
    return {}
