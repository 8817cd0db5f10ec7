"""``headrace gc``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.prompts import confirm
from headrace.cli.termio.tables import Field, table

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.runs.scratch import ScratchDirectory

_FIELDS: Final = (
    Field("directory", key="path"),
    Field("ended", lambda row: _ended(row), key="ended_at"),
    Field("size", lambda row: _size(row["bytes"]), key="bytes"),
    Field("outcome", lambda row: _outcome(row)),
    Field("why", lambda row: row["problem"] or row["reason"]),
)
_COLUMNS: Final = ("path", "collection", "run_id", "ended_at", "bytes", "removed", "problem")


@click.command
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.option(
    "--keep",
    metavar="TIME",
    help="Keep what ended within 12h, 30d or 8w; [scratch] keep of headrace.toml by default.",
)
@click.option(
    "--orphans",
    is_flag=True,
    help="Also what deleted runs left that had not returned their results.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@project_options
def gc_command(dry_run: bool, keep: str | None, orphans: bool, yes: bool) -> int:
    """Remove scratch directories of runs that succeeded and whose results were transferred back.

    A directory that a run's tasks worked in is removed where the last run that used it has
    succeeded, has transferred results out of it with checksums, and has ended long enough ago;
    where a batch job's record or a stage's manifest in it says that it is headrace's; and where
    nothing in it was changed since. So are the results that stages share, where they were not used
    for [results] keep. What is removed is shown and asked for. At globus this is done by a task at
    the endpoint.
    """
    from headrace.config import ProjectError
    from headrace.runs.points_in_time import duration
    from headrace.runs.scratch import ScratchCollector
    from headrace.runs.shared_results import unused_results

    session = current()
    project = session.project()
    given = keep or project.config.scratch_keep
    if given is None and project.config.results.keep is None:
        raise ProjectError(
            f"{project.config_file}: it does not say how long scratch directories are kept: write "
            '`[scratch]` with `keep = "30d"`, or give --keep 30d'
        )

    def services() -> Services:
        return session.services(project)

    found: list[ScratchDirectory] = []
    collector = None
    if given is not None:
        kept: timedelta = duration(given)
        collector = ScratchCollector(project, session.target, services(), kept)
        found = collector.find(orphans=orphans)
    ready = [each for each in found if each.reason]
    results = unused_results(project, session.target, services, remove=False)
    all_ready = [*ready, *(each for each in results if each.reason)]
    if dry_run or not all_ready:
        _show([*found, *results], all_ready)
        return 0
    if not yes:
        confirm(_question(ready, all_ready[len(ready) :]))
    removed = collector.remove(ready, orphans=orphans) if collector and ready else []
    if len(all_ready) > len(ready):
        removed += unused_results(project, session.target, services, remove=True)
    _show(removed, [])
    return 0 if all(each.removed for each in removed) else 1


def _question(directories: Sequence[ScratchDirectory], results: Sequence[ScratchDirectory]) -> str:
    parts = []
    if directories:
        total = _size(sum(each.bytes for each in directories))
        paths = ", ".join(each.path for each in directories[:3])
        more = f" and {len(directories) - 3} more" if len(directories) > 3 else ""
        noun = "directory" if len(directories) == 1 else "directories"
        parts.append(f"{len(directories)} scratch {noun} with {total}: {paths}{more}")
    parts += [f"results in {each.path} with {_size(each.bytes)}" for each in results]
    return f"Remove {', and '.join(parts)}?"


def _show(found: Sequence[ScratchDirectory], ready: Sequence[ScratchDirectory]) -> None:
    rows = [each.document() for each in found]
    total = f"\n{len(ready):,} would be removed: {_size(sum(each.bytes for each in ready))}"
    display(
        rows,
        lambda: table(rows, _FIELDS, "No scratch directory is known.") + (total if ready else ""),
        _COLUMNS,
    )


def _ended(row: dict[str, object]) -> object:
    from headrace.runs.poller import parse_time

    return parse_time(row["ended_at"])


def _outcome(row: dict[str, object]) -> str:
    if row["removed"]:
        return "removed"
    return "kept" if row["problem"] else "would be removed"


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:.0f} {unit}" if size >= 100 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError
