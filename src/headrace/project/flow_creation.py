"""``headrace flow new``: a new flow in a project, with a function and a trigger if wanted."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace._internal.near_names import known_names
from headrace.config.errors import ProjectError
from headrace.config.text_files import read_text
from headrace.flowlang.limits import MAX_TITLE
from headrace.project.flow_sources import flow_title
from headrace.project.flow_templates import (
    MINIMAL,
    default_title,
    flow_files,
    function_text,
    metadata_text,
    trigger_text,
)
from headrace.project.project import Project
from headrace.project.scaffold import pipeline_choices

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TITLE_LINE: Final = re.compile(r"^title\s*=.*$", re.MULTILINE)


@dataclass(frozen=True)
class NewFlow:
    """A flow that was made.

    Attributes:
        name: its name.
        files: its files, relative to the project.
        endpoint: name of the endpoint that its function runs on; None without a function.
        watched: the directory that its trigger watches; None without a trigger.
    """

    name: str
    files: tuple[Path, ...]
    endpoint: str | None = None
    watched: Path | None = None


def create_flow(
    project: Project, name: str, source: str = MINIMAL, parts: Collection[str] = ()
) -> NewFlow:
    """Make a flow in a project.

    Args:
        project: the project.
        name: the new flow's name.
        source: the flow of the project that it is a copy of, or ``minimal`` for the smallest.
        parts: ``function`` and ``trigger``, where the smallest flow shall have them.

    Raises:
        ProjectError: a name that cannot be used or is taken, no flow to copy, or no endpoint or
            collection for a part. Then nothing is written.
    """
    _check_name(name)
    known = project.flow_names()
    copied = source != MINIMAL
    if copied and source not in known:
        hint = known_names(source, {*known, MINIMAL})
        if source in pipeline_choices():
            hint = f"`headrace init DIR --for {source}` makes a project with it"
        raise ProjectError(f"no flow {source!r} in {project.flows_dir}; {hint}")
    if parts and copied:
        raise ProjectError(
            f"a copy of flow {source!r} has no new {' and '.join(sorted(parts))}: leave out --with"
        )
    title = _free_title(project, name)
    endpoint = _first(project, "endpoint") if "function" in parts else None
    watched = None
    if copied:
        texts = _copy(project.flows_dir / source, Path("flows") / name, title)
    else:
        texts = flow_files(name, title=title, function="function" in parts)
    if "function" in parts:
        texts[Path("compute_functions") / f"{name}.py"] = function_text(name)
    if "trigger" in parts:
        collection = _first(project, "collection")
        watched = project.collections[collection].root / name
        texts[Path("triggers") / f"{name}.toml"] = trigger_text(
            name, collection=collection, directory=f"/{name}/", endpoint=endpoint
        )
    _write(project, name, texts)
    if watched is not None:
        watched.mkdir(parents=True, exist_ok=True)
    return NewFlow(name, tuple(texts), endpoint, watched)


def _check_name(name: str) -> None:
    """Check that a name can be that of a flow, of its function and of its files."""
    if _NAME.fullmatch(name) and not keyword.iskeyword(name) and len(name) <= MAX_TITLE:
        return
    better = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")[:MAX_TITLE]
    good = _NAME.fullmatch(better) and not keyword.iskeyword(better)
    raise ProjectError(
        f"flow {name!r}: a name is letters, digits and _, begins with a letter and is no word of "
        f"Python's{f', such as {better!r}' if good else ''}"
    )


def _free_title(project: Project, name: str) -> str:
    """Return a title for a flow that no other flow of the project has."""
    taken = {flow_title(project.flows_dir / other) for other in project.flow_names()}
    title = default_title(name)
    return f"{title} ({name})" if title in taken else title


def _first(project: Project, kind: str) -> str:
    """Return the first endpoint with a template, or the first collection."""
    if kind == "endpoint":
        names = [name for name, one in project.endpoints.items() if one.template is not None]
    else:
        names = list(project.collections)
    if not names:
        raise ProjectError(f"{project.config_file}: no {kind}: add [{kind}s.NAME] for it first")
    return names[0]


def _copy(source: Path, target: Path, title: str) -> dict[Path, str]:
    """Return the texts of a flow's files with another title."""
    names = ("definition.json", "input_schema.json", "flow.toml")
    texts = {target / name: read_text(source / name) for name in names if (source / name).is_file()}
    text = texts.get(target / "flow.toml", "")
    line = metadata_text(title).splitlines()[0]
    changed, count = _TITLE_LINE.subn(lambda _: line, text, count=1)
    texts[target / "flow.toml"] = changed if count else f"{line}\n{text}"
    texts.setdefault(target / "input_schema.json", "{}\n")
    return texts


def _write(project: Project, name: str, texts: dict[Path, str]) -> None:
    taken = [file for file in (Path("flows") / name, *texts) if (project.root / file).exists()]
    if taken:
        raise ProjectError(
            f"{project.root / taken[0]}: is there already; choose another name for the flow"
        )
    for file, text in texts.items():
        path = project.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
