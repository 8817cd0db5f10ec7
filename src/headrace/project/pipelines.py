"""The pipelines of a project: each flow with the functions, job scripts and triggers of its name.

A pipeline has one name in every folder: ``flows/NAME``, ``compute_functions/NAME*.py``,
``job_scripts/NAME*``, ``triggers/NAME*.toml``, ``campaigns/NAME*.toml``. Beside what is named so, a
pipeline has the triggers and campaigns that start its flow, the functions that these name, and the
job scripts that any of them names.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headrace._internal.near_names import known_names
from headrace.config.errors import ProjectError
from headrace.project.flow_sources import flow_names, flow_title

FUNCTIONS: Final = "compute_functions"
JOB_SCRIPTS: Final = "job_scripts"
TRIGGERS: Final = "triggers"
CAMPAIGNS: Final = "campaigns"

# The extras that modules need; the first that fits counts.
_EXTRAS: Final = (
    ("headrace.seismic.inversion", "inversion"),
    ("headrace.seismic.solvers", "inversion"),
    ("headrace.seismic", "seismic"),
    ("headrace.datarun", "datarun"),
    ("headrace.md", "md"),
    ("headrace.ert", "ert"),
)
_BRINGS: Final = {"inversion": "seismic"}
_IMPORT: Final = re.compile(r"^\s*(?:from|import)\s+(headrace\.[\w.]+)", re.MULTILINE)
_SCRIPT_OF_FUNCTION: Final = re.compile(r"(?<![\w.{}-])[\w-]+\.(?:sbatch|sh)\b")
_SCRIPT_OF_SCRIPT: Final = re.compile(r"\$\{?\w+\}?/([\w-]+\.(?:sbatch|sh|py))\b")
_SCRIPT_OF_TRIGGER: Final = re.compile(r"\bjob_scripts/([\w-]+(?:\.\w+)+)")


@dataclass(frozen=True)
class Pipeline:
    """A flow with all that belongs to it.

    Attributes:
        name: its name, which is its flow's.
        title: the flow's title; "" where there is no flow.
        flow: the flow's name; None where triggers start a flow that is not there.
        functions: names of its compute functions.
        job_scripts: names of the files in ``job_scripts/``.
        triggers: names of its triggers.
        campaigns: names of its campaigns.
        tables: names of the files in ``campaigns/`` that these have their members from.
        collections: names of the collections that its triggers and campaigns name.
        endpoints: names of the endpoints that its triggers and campaigns name.
        grafts: names of the flows that its campaigns start after legs, members, groups or all.
        needs: extras of headrace, such as ``seismic``, without which it does not run.
        missing: what its files name and the project does not have, such as
            ``job_scripts/a.sbatch``.
    """

    name: str
    title: str
    flow: str | None
    functions: tuple[str, ...]
    job_scripts: tuple[str, ...]
    triggers: tuple[str, ...]
    campaigns: tuple[str, ...]
    tables: tuple[str, ...]
    collections: tuple[str, ...]
    endpoints: tuple[str, ...]
    grafts: tuple[str, ...]
    needs: tuple[str, ...]
    missing: tuple[str, ...]

    def files(self, root: Path) -> list[Path]:
        """Return its files, relative to the root of the project."""
        found = [root / FUNCTIONS / f"{name}.py" for name in self.functions]
        found += [root / JOB_SCRIPTS / name for name in self.job_scripts]
        found += [root / TRIGGERS / f"{name}.toml" for name in self.triggers]
        found += [root / CAMPAIGNS / f"{name}.toml" for name in self.campaigns]
        found += [root / CAMPAIGNS / name for name in self.tables]
        if self.flow is not None:
            found += sorted(path for path in (root / "flows" / self.flow).rglob("*"))
        return [path.relative_to(root) for path in found if path.is_file()]


def find_pipelines(root: Path) -> dict[str, Pipeline]:
    """Find the pipelines of a project by the names of its files.

    Args:
        root: the project's directory.

    Returns:
        The pipelines by name: one for each flow, and for each that a trigger or a campaign starts
        and that is not there.
    """
    flows = flow_names(root / "flows")
    starters = _Starters(dict(_read_files(root / TRIGGERS)), dict(_read_files(root / CAMPAIGNS)))
    files = [*starters.triggers.values(), *starters.campaigns.values()]
    started = {flow for file in files for flow in _flows_of(file)}
    names = sorted({*flows, *started})
    return {name: _pipeline(root, name, names, name in flows, starters) for name in names}


def find_pipeline(root: Path, name: str) -> Pipeline:
    """Find one pipeline of a project.

    Raises:
        ProjectError: there is none of this name; the message lists the known ones.
    """
    found = find_pipelines(root)
    if name not in found:
        raise ProjectError(f"no pipeline {name!r} in {root}; {known_names(name, found)}")
    return found[name]


def shared_job_scripts(root: Path) -> list[str]:
    """Return the names of the job scripts that are named after no pipeline: any may use them."""
    names = flow_names(root / "flows")
    return [name for name in _job_scripts(root) if owner_of(Path(name).stem, names) is None]


def owner_of(stem: str, pipelines: Iterable[str]) -> str | None:
    """Return the pipeline that a file is named after: the longest name that its own begins with."""
    found = [name for name in pipelines if stem == name or stem.startswith(f"{name}_")]
    return max(found, key=len, default=None)


@dataclass(frozen=True)
class _Starters:
    """Files that start flows, by their names; of one that cannot be read, an empty table."""

    triggers: Mapping[str, Mapping[str, Any]]
    campaigns: Mapping[str, Mapping[str, Any]]


def _pipeline(
    root: Path, name: str, names: Sequence[str], has_flow: bool, starters: _Starters
) -> Pipeline:
    mine = _files_of(name, names, starters.triggers)
    campaigns = _files_of(name, names, starters.campaigns)
    files = [*mine.values(), *campaigns.values()]
    named = set(_names_in(files, "function"))
    there = {path.stem for path in (root / FUNCTIONS).glob("*.py")}
    functions = {stem for stem in there if owner_of(stem, names) == name} | (named & there)
    missing = [] if has_flow else [f"flows/{name}"]
    missing += [f"{FUNCTIONS}/{one}.py" for one in sorted(named - there)]
    grafts = tuple(sorted({flow for file in campaigns.values() for flow in _grafts_of(file)}))
    missing += [f"flows/{one}" for one in grafts if not (root / "flows" / one).is_dir()]

    texts = [_read(root / FUNCTIONS / f"{one}.py") for one in sorted(functions)]
    wanted = {found[0] for text in texts for found in _SCRIPT_OF_FUNCTION.finditer(text)}
    for trigger in mine:
        wanted |= set(_SCRIPT_OF_TRIGGER.findall(_read(root / TRIGGERS / f"{trigger}.toml")))
    scripts = _job_scripts(root)
    wanted |= {script for script in scripts if owner_of(Path(script).stem, names) == name}
    script_texts = _with_their_scripts(root, wanted, set(scripts))
    missing += [f"{JOB_SCRIPTS}/{one}" for one in sorted(set(script_texts) - set(scripts))]
    return Pipeline(
        name=name,
        title=flow_title(root / "flows" / name) if has_flow else "",
        flow=name if has_flow else None,
        functions=tuple(sorted(functions)),
        job_scripts=tuple(sorted(set(script_texts) & set(scripts))),
        triggers=tuple(sorted(mine)),
        campaigns=tuple(sorted(campaigns)),
        tables=tuple(sorted(filter(None, map(_table_of, campaigns.values())))),
        collections=_names_in(files, "collection"),
        endpoints=_names_in(files, "endpoint"),
        grafts=grafts,
        needs=_needs([*texts, *script_texts.values()], bool(functions)),
        missing=tuple(missing),
    )


def _files_of(
    name: str, names: Sequence[str], files: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Return the files that start a pipeline's flow; else those that are named after it."""
    return {
        stem: file
        for stem, file in files.items()
        if (next(iter(_flows_of(file)), None) or owner_of(stem, names)) == name
    }


def _table_of(campaign: Mapping[str, Any]) -> str:
    """Return the name of the file in ``campaigns/`` that a campaign has its members from."""
    members = campaign.get("members")
    table = members.get("table") if isinstance(members, Mapping) else None
    return table if isinstance(table, str) and "/" not in table else ""


def _with_their_scripts(root: Path, wanted: set[str], there: set[str]) -> dict[str, str]:
    """Return the texts of job scripts and of those that they name, by name."""
    texts: dict[str, str] = {}
    while names := wanted - set(texts):
        for name in names:
            texts[name] = _read(root / JOB_SCRIPTS / name) if name in there else ""
            wanted = wanted | set(_SCRIPT_OF_SCRIPT.findall(texts[name]))
    return texts


def _needs(texts: Iterable[str], has_functions: bool) -> tuple[str, ...]:
    imported = {module for text in texts for module in _IMPORT.findall(text)}
    needs = {"endpoint"} if has_functions else set()
    for module in imported:
        fits = [extra for prefix, extra in _EXTRAS if f"{module}.".startswith(f"{prefix}.")]
        needs |= set(fits[:1])
    return tuple(sorted(needs - {_BRINGS[extra] for extra in needs if extra in _BRINGS}))


def _job_scripts(root: Path) -> list[str]:
    directory = root / JOB_SCRIPTS
    if not directory.is_dir():
        return []
    names = (path.name for path in directory.iterdir() if path.is_file())
    return sorted(name for name in names if not name.startswith(".") and not name.endswith("~"))


def _read_files(directory: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the triggers or campaigns; of one that cannot be read, an empty table."""
    for path in sorted(directory.glob("*.toml")):
        try:
            yield path.stem, tomllib.loads(_read(path))
        except tomllib.TOMLDecodeError:
            yield path.stem, {}  # `headrace config check` says what is wrong with it


def _flows_of(file: Mapping[str, Any]) -> Iterator[str]:
    """Yield the flows that a trigger or a campaign starts, its first one first."""
    steps = file.get("steps")
    for start in [file.get("start"), *(steps if isinstance(steps, list) else [])]:
        flow = start.get("flow") if isinstance(start, Mapping) else None
        if isinstance(flow, str) and flow:
            yield flow


def _grafts_of(campaign: Mapping[str, Any]) -> Iterator[str]:
    """Yield the flows that a campaign starts after its legs, members, groups or all of it."""
    after = campaign.get("after")
    for graft in after.values() if isinstance(after, Mapping) else ():
        flow = graft.get("flow") if isinstance(graft, Mapping) else None
        if isinstance(flow, str) and flow:
            yield flow


def _names_in(files: Iterable[Mapping[str, Any]], kind: str) -> tuple[str, ...]:
    """Return the names of a kind that files have, as in ``{function = "NAME"}``.

    A placeholder stands for names that the file has elsewhere.
    """
    names = {name for file in files for name in _named(file, kind)}
    return tuple(sorted(name for name in names if name and "{" not in name))


def _named(value: Any, kind: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(name := value.get(kind), str):
            yield name
        yield from (name for item in value.values() for name in _named(item, kind))
    elif isinstance(value, list):
        yield from (name for item in value for name in _named(item, kind))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
