"""The flows of a project as its files describe them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace._internal.json_check import InvalidValue, check_text
from headrace._internal.terminal_text import terminal_text
from headrace.config.errors import ProjectError
from headrace.config.text_files import parse_json_object, read_text
from headrace.flowlang import metadata_entries
from headrace.flowlang.limits import MAX_TITLE
from headrace.project.flow_file import FLOW_FILE, read_flow_file

ROLES: Mapping[str, str] = {
    "viewers": "flow_viewers",
    "starters": "flow_starters",
    "administrators": "flow_administrators",
    "run_managers": "run_managers",
    "run_monitors": "run_monitors",
}


@dataclass(frozen=True)
class FlowSource:
    """A flow as its directory describes it.

    Attributes:
        name: the directory's name.
        directory: where it is.
        definition: the definition.
        input_schema: the JSON schema of its input.
        title: what people see.
        subtitle: a second line.
        description: some sentences.
        keywords: words to find it by.
        roles: role lists under the names that the service gives them, such as ``flow_viewers``.
        starters_may_resume: whether those who may start it may begin at any state at ``globus``.
    """

    name: str
    directory: Path
    definition: dict[str, Any]
    input_schema: dict[str, Any]
    title: str
    subtitle: str
    description: str
    keywords: tuple[str, ...]
    roles: Mapping[str, tuple[str, ...]]
    starters_may_resume: bool = False

    @property
    def definition_file(self) -> Path:
        """The file with the definition."""
        return self.directory / "definition.json"

    @property
    def schema_file(self) -> Path:
        """The file with the input schema."""
        return self.directory / "input_schema.json"

    def metadata(self) -> dict[str, Any]:
        """Return what is sent to the service besides definition and schema."""
        return {
            "subtitle": self.subtitle,
            "description": self.description,
            "keywords": list(self.keywords),
            **{role: list(principals) for role, principals in self.roles.items()},
        }

    def sha256(self) -> str:
        """Return the hash of all that is deployed of the flow."""
        from hashlib import sha256  # brings OpenSSL; many commands only look at a flow's names

        parts = [self.title, self.definition, self.input_schema, self.metadata()]
        parts += ["starters may resume"] * self.starters_may_resume
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_flow(directory: Path) -> FlowSource:
    """Read one flow.

    Args:
        directory: with ``definition.json`` and, both optional, ``input_schema.json`` and
            ``flow.toml``.

    Raises:
        ProjectError: a file cannot be read; for JSON and TOML with line and column.
    """
    check_flow_name(directory)
    schema_file = directory / "input_schema.json"
    schema = read_text(schema_file) if schema_file.is_file() else "{}"
    definition_file = directory / "definition.json"
    source = FlowSource(
        name=directory.name,
        directory=directory,
        definition=parse_json_object(read_text(definition_file), str(definition_file)),
        input_schema=parse_json_object(schema, str(schema_file)),
        **read_metadata(directory),
    )
    wrong = metadata_entries({"title": source.title, **source.metadata()})
    if wrong:
        where = ".".join(map(str, wrong[0]["loc"]))
        raise ProjectError(f"{directory / FLOW_FILE}: {where}: {wrong[0]['msg']}")
    return source


def check_flow_name(directory: Path) -> None:
    """Check the name of a flow's directory, by which it is deployed and found again.

    Raises:
        ProjectError: it is not Unicode, too long, or has control characters.
    """
    try:
        check_text(directory.name, "the name", max_length=MAX_TITLE)
    except InvalidValue as error:
        shown = terminal_text(str(directory))
        raise ProjectError(f"{shown}: {error}; rename the directory of the flow") from None


def flow_names(directory: Path) -> list[str]:
    """Return the names of the flows in a directory of flows, whatever their files say."""
    return sorted(path.parent.name for path in directory.glob("*/definition.json"))


def read_flows(directory: Path, names: Iterable[str] | None = None) -> dict[str, FlowSource]:
    """Read flows of a directory of flows.

    Args:
        directory: one subdirectory per flow.
        names: which of them; all by default. What is wrong with others does not matter.

    Raises:
        ProjectError: as :func:`read_flow`; or two flows have the same title.
    """
    known = flow_names(directory)
    wanted = set(known if names is None else names)
    flows = {name: read_flow(directory / name) for name in known if name in wanted}
    titles: dict[str, str] = {}
    for name in known:
        title = flows[name].title if name in flows else flow_title(directory / name)
        other = titles.setdefault(title, name) if title else name
        if other != name and {other, name} & set(flows):
            raise ProjectError(
                f"{directory / name / FLOW_FILE}: title {title!r} is also that of flow "
                f"{other!r}: give each flow its own"
            )
    return flows


def scan_flows(directory: Path) -> tuple[dict[str, FlowSource], dict[str, str]]:
    """Read all flows that can be read.

    Args:
        directory: one subdirectory per flow.

    Returns:
        The flows, and for each that cannot be read what is wrong with it; both by name.
    """
    flows, faults = {}, {}
    for name in flow_names(directory):
        try:
            flows[name] = read_flow(directory / name)
        except ProjectError as error:
            faults[name] = str(error)
    return flows, faults


def flow_title(directory: Path) -> str:
    """Return the title of a flow; empty where its ``flow.toml`` cannot be used."""
    try:
        return str(read_metadata(directory)["title"])
    except ProjectError:
        return ""  # an error when that flow itself is read


def read_metadata(directory: Path) -> dict[str, Any]:
    """Read ``flow.toml`` of a flow's directory, which may be missing.

    Raises:
        ProjectError: it is not TOML, or says what it may not; with the line.
    """
    found = read_flow_file(directory / FLOW_FILE)
    return {
        "title": directory.name.replace("_", " ").capitalize()
        if found.title is None
        else found.title,
        "subtitle": found.subtitle,
        "description": found.description,
        "keywords": found.keywords,
        "starters_may_resume": found.starters_may_resume,
        "roles": {role: getattr(found.roles, key) for key, role in ROLES.items()},
    }
