"""``headrace config check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.parsing.file_kinds import FileKindType
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace._internal.settings import FileKind


@click.command
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--kind",
    "file_kind",
    type=FileKindType(),
    help="Read the files as this kind; by default their place and name say which they are.",
)
@project_options
def check_command(files: tuple[Path, ...], file_kind: FileKind | None) -> int:
    """Read TOML files and name every fault; all those of the project by default.

    Each fault is one line that names file and key. The exit code is 1 when there is one.
    """
    from headrace._internal.settings import file_kinds, missing_file_kinds
    from headrace.cli.termio.notes import note

    root = current().root()
    if files:
        chosen = [(_kind_of(path, root, file_kind), path) for path in files]
    else:
        kinds = [file_kind] if file_kind is not None else list(file_kinds().values())
        chosen = [(kind, path) for kind in kinds for path in kind.files(root)]
        for name, module in missing_file_kinds().items():
            note(f"warning: {name} is not checked: the module {module} is not installed")
    rows = [
        {"file": str(path), "kind": kind.name, "faults": kind.problems(path)}
        for kind, path in chosen
    ]
    display(rows, lambda: _text(rows), ("file", "kind", "faults"))
    return 1 if any(row["faults"] for row in rows) else 0


def _kind_of(path: Path, root: Path, given: FileKind | None) -> FileKind:
    from headrace._internal.settings import file_kinds, kind_of_file

    kind = given or kind_of_file(path, root)
    if kind is None:
        raise click.BadParameter(
            f"{path}: neither place nor name says which kind of file it is; name one with --kind: "
            f"{', '.join(file_kinds())}",
            param_hint="FILE",
        )
    return kind


def _text(rows: list[dict[str, Any]]) -> str:
    faults = [fault for row in rows for fault in row["faults"]]
    checked = f"{len(rows)} file{'' if len(rows) == 1 else 's'} checked"
    if not faults:
        return f"{checked}: no faults."
    return "\n".join([*faults, f"{checked}: {len(faults)} fault{'' if len(faults) == 1 else 's'}."])
