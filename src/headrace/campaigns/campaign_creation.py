"""``headrace campaign init``: the file of a new campaign, from an example or for a flow."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.atomic import write_atomic
from headrace._internal.near_names import known_names
from headrace.campaigns.campaign_loading import FOLDER, NAME
from headrace.campaigns.errors import CampaignError

if TYPE_CHECKING:
    from headrace.project import Project

_TABLE_LINE: Final = re.compile(r'^(table\s*=\s*")[^"]+(")', re.MULTILINE)
_COLUMN: Final = re.compile(r"\{(\w+)(?::\w+)?\}")
_TYPES: Final[Mapping[str, str]] = {"integer": ":int", "number": ":float"}


@dataclass(frozen=True)
class NewCampaign:
    """A campaign that was made.

    Attributes:
        name: its name.
        flow: the flow that its members go through.
        files: its files, relative to the project.
        missing: names that it has and its project does not, one line each.
    """

    name: str
    flow: str
    files: tuple[Path, ...]
    missing: tuple[str, ...] = ()


def example_names() -> list[str]:
    """Return the names of the campaigns that come with headrace."""
    from headrace.project.scaffold import template_directory

    return sorted(path.stem for path in (template_directory() / FOLDER).glob("*.toml"))


def create_campaign(
    project: Project,
    name: str,
    *,
    example: str | None = None,
    flow: str | None = None,
    table: Path | None = None,
) -> NewCampaign:
    """Make the file of a campaign, and its table.

    Args:
        project: the project.
        name: the campaign's name.
        example: the campaign of headrace that it is a copy of.
        flow: the flow that members go through, whose input schema says the columns.
        table: a table that is there, whose columns are taken.

    Raises:
        CampaignError: the name cannot be used or is taken, or there is no such example or flow.
            Then nothing is written.
    """
    if not NAME.fullmatch(name):
        raise CampaignError(
            f"campaign {name!r}: use letters, digits, '_', '-' and '.', 64 at most, the first a "
            "letter or digit"
        )
    texts = _copied(name, example) if example is not None else _written(project, name, flow, table)
    for file in texts:
        if (project.root / file).exists():
            raise CampaignError(f"{project.root / file}: is there already: choose another name")
    (project.root / FOLDER).mkdir(exist_ok=True)
    for file, text in texts.items():
        write_atomic(project.root / file, text)
    from headrace.campaigns.campaign_loading import project_problems, read_campaign

    campaign = read_campaign(project.root / FOLDER / f"{name}.toml")
    missing = tuple(problem.partition(": ")[2] for problem in project_problems(project, campaign))
    return NewCampaign(name, campaign.steps[0].flow, tuple(texts), missing)


def _copied(name: str, example: str) -> dict[Path, str]:
    from headrace.project.scaffold import template_directory

    folder = template_directory() / FOLDER
    known = example_names()
    if example not in known:
        raise CampaignError(f"no example {example!r}; {known_names(example, known)}")
    text = (folder / f"{example}.toml").read_text(encoding="utf-8")
    found = _TABLE_LINE.search(text)
    texts: dict[Path, str] = {}
    if found:
        table = folder / found[0].partition('"')[2].rstrip('"')
        own = f"{name}{table.suffix}"
        text = _TABLE_LINE.sub(rf"\g<1>{own}\g<2>", text, count=1)
        text = text.replace(f"{example}{table.suffix}", own)
        if table.is_file():
            texts[Path(FOLDER) / own] = table.read_text(encoding="utf-8")
    return {Path(FOLDER) / f"{name}.toml": text, **texts}


def _written(project: Project, name: str, flow: str | None, table: Path | None) -> dict[Path, str]:
    flows = project.flow_names()
    if flow is None:
        if len(flows) != 1:
            raise CampaignError(
                "say which flow members go through: --flow NAME, or --example "
                f"{'|'.join(example_names()) or 'NAME'}"
            )
        flow = flows[0]
    if flow not in flows:
        raise CampaignError(f"no flow {flow!r} in {project.flows_dir}; {known_names(flow, flows)}")
    schema = project.flow(flow).input_schema
    properties = schema.get("properties")
    members = properties if isinstance(properties, Mapping) else {}
    required = [each for each in schema.get("required", members) if each in members]
    lines = {each: _input_line(project, each, members[each]) for each in required}
    columns = [
        column
        for line in lines.values()
        for column in _COLUMN.findall(line)
        if column not in ("key", "endpoint")
    ]
    columns = [*dict.fromkeys(columns)]
    texts: dict[Path, str] = {}
    if table is not None:
        place, columns_there = _table(project, table)
        key = "name" if "name" in columns_there else columns_there[0]
    else:
        place, key = f"{name}.csv", "name" if "name" in columns else "key"
        header = columns if key in columns else [key, *columns]
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerow(header)
        texts[Path(FOLDER) / place] = stream.getvalue()
    text = "\n".join(
        [
            f"# Each row of {place} is a member, and goes through flow {flow} once.",
            f"title = {json.dumps(name)}",
            "",
            "[members]",
            f"table = {json.dumps(place)}",
            f'key = "{{{key}}}"',
            "",
            "[start]",
            f"flow = {json.dumps(flow)}",
            'label = "{campaign} {key}"',
            "",
            "[start.input]",
            *(f"{each} = {line}" for each, line in lines.items()),
            *_lanes(project),
            "",
        ]
    )
    return {Path(FOLDER) / f"{name}.toml": text, **texts}


def _lanes(project: Project) -> Iterator[str]:
    names = [name for name, one in project.endpoints.items() if one.template is not None or one.id]
    if names:
        yield ""
        yield f"[lanes.{names[0]}]"
        yield f'endpoint = "{names[0]}"'
        yield "open = 10"


def _input_line(project: Project, name: str, schema: Any) -> str:
    """Return a member of the input, whose columns have its name, as TOML."""
    schema = schema if isinstance(schema, Mapping) else {}
    kind = schema.get("type")
    inner = schema.get("properties")
    if kind == "object" and isinstance(inner, Mapping) and {"id", "path"} <= set(inner):
        collection = next(iter(project.collections), "workstation")
        return f'{{ collection = "{collection}", path = "/{{key}}/" }}'
    if kind == "object" and isinstance(inner, Mapping):
        parts = ", ".join(
            f"{each} = {_input_line(project, each, inner[each])}"
            for each in schema.get("required", ())
            if each in inner
        )
        return f"{{ {parts} }}"
    if schema.get("format") == "uuid" and "endpoint" in name:
        return '{ endpoint = "{endpoint}" }'
    if schema.get("format") == "uuid" and (functions := project.function_names()):
        return f'{{ function = "{name if name in functions else functions[0]}" }}'
    if kind == "boolean":
        return "false"
    if kind in ("array", "object"):
        return "[]" if kind == "array" else "{}"
    return f'"{{{name}{_TYPES.get(str(kind), "")}}}"'


def _table(project: Project, table: Path) -> tuple[str, tuple[str, ...]]:
    """Return the path of a table from the folder of campaigns, and its columns."""
    from os.path import relpath

    from headrace.campaigns.members.tables import open_table

    rows = open_table(table)
    if not rows.columns:
        raise CampaignError(f"{table}: has no columns")
    return relpath(table.resolve(), (project.root / FOLDER).resolve()), rows.columns
