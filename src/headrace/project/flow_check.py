"""The flow checker over the project's files: findings with file, line and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from headrace._internal.near_names import known_names
from headrace.action_providers import installed_providers
from headrace.config.errors import ProjectError
from headrace.config.text_files import read_text
from headrace.project.checker_rules import installed_rules

if TYPE_CHECKING:
    from headrace.flowlang import Finding
    from headrace.flowlang.checker import Document, FlowRule
    from headrace.project.project import Project

_LOCAL = "local"
_READABLE = "nothing else of it can be checked before"


@dataclass(frozen=True)
class FlowFinding:
    """Something the checker found in a file.

    Attributes:
        file: the file.
        finding: what was found there.
    """

    file: Path
    finding: Finding

    @property
    def severity(self) -> str:
        """``error``, ``warning`` or ``advice``."""
        return self.finding.severity

    @property
    def where(self) -> str:
        """``file:line:column``, as far as known."""
        parts = [str(self.file), self.finding.line, self.finding.column]
        return ":".join(str(part) for part in parts if part is not None)

    def __str__(self) -> str:
        found = self.finding
        fix = f" ({found.fix})" if found.fix else ""
        return f"{self.where}: {found.severity} {found.code}: {found.message}{fix}"

    def document(self) -> dict[str, Any]:
        """Return the finding as JSON shows it."""
        found = self.finding
        return {
            "file": str(self.file),
            "line": found.line,
            "column": found.column,
            "severity": found.severity,
            "code": found.code,
            "message": found.message,
            "fix": found.fix,
            "loc": list(found.loc),
            "type": found.kind,
        }


def check_flows(
    project: Project, names: Iterable[str] = (), target: str | None = None
) -> list[FlowFinding]:
    """Check flows of a project.

    Args:
        project: the project.
        names: the flows; all of them by default.
        target: where they are to run, ``local`` or ``globus``, if that is known.

    Raises:
        ProjectError: no flow of a given name. What cannot be read is a finding.
    """
    from headrace.project.walltimes import flow_walltimes

    directories = sorted(path.parent for path in project.flows_dir.glob("*/definition.json"))
    known = {directory.name: directory for directory in directories}
    served = _served_locally(project) if target == _LOCAL else None
    findings: list[FlowFinding] = []
    for name in names or known:
        if name not in known:
            raise ProjectError(
                f"no flow {name!r} in {project.flows_dir}; {known_names(name, known)}"
            )
        findings += _metadata_findings(known[name])
        walltimes = flow_walltimes(project, name)
        findings += check_file(known[name] / "definition.json", walltimes, served)
    return findings


def _served_locally(project: Project) -> Callable[[str], bool]:
    """Return what says whether the project's facility has a provider at an address."""
    from headrace.facility.providers.available import is_served

    elsewhere = [provider.url for provider in project.config.action_providers.values()]
    installed = [provider.url for provider in installed_providers().descriptions]
    return partial(is_served, allowed=[*elsewhere, *installed])


def _metadata_findings(directory: Path) -> list[FlowFinding]:
    """Return what is wrong with a flow's ``flow.toml``."""
    from headrace.project.flow_sources import read_metadata

    try:
        read_metadata(directory)
    except ProjectError as error:
        return [_unreadable_finding(directory / "flow.toml", str(error))]
    return []


def _unreadable_finding(file: Path, message: str) -> FlowFinding:
    """Make a finding of an error that names the file, and the line where it knows it."""
    from headrace.flowlang.checker import ERROR, Finding

    found = re.match(
        r"(?P<file>.*?\.(?:json|toml))(?::(?P<line>\d+))?(?::(?P<column>\d+))?: ", message
    )
    if found is None:
        return FlowFinding(file, Finding(ERROR, "not-readable", (), message, _READABLE))
    line, column = (int(found[name]) if found[name] else 1 for name in ("line", "column"))
    finding = Finding(
        ERROR, "not-readable", (), message[found.end() :], _READABLE, line=line, column=column
    )
    return FlowFinding(Path(found["file"]), finding)


def check_file(
    path: Path,
    walltimes: Mapping[str, float] | None = None,
    served: Callable[[str], bool] | None = None,
) -> list[FlowFinding]:
    """Check one definition, with the ``input_schema.json`` beside it where there is one.

    Args:
        path: the definition, or the flow's directory.
        walltimes: seconds that the jobs of an endpoint, or a function, may take, by its id or by
            the path that the definition reads the id from.
        served: says whether the target has a provider at an address; None where it is not known.
    """
    file = path / "definition.json" if path.is_dir() else path
    rules = installed_rules()
    try:
        return _check_file(file, walltimes, served, rules)
    except ProjectError as error:
        return [_unreadable_finding(file, str(error))]


def _check_file(
    file: Path,
    walltimes: Mapping[str, float] | None,
    served: Callable[[str], bool] | None,
    rules: tuple[FlowRule, ...],
) -> list[FlowFinding]:
    from headrace.flowlang.checker import Document, check_flow, read_document

    schema_file = file.with_name("input_schema.json")
    text, schema_text = read_text(file), None
    definition, schema = read_document(text), Document(None)
    if schema_file.is_file() and schema_file != file:
        schema_text = read_text(schema_file)
        schema = read_document(schema_text, "input_schema")
        if not _unreadable(schema):
            schema = _checked(schema, schema_text)
    findings = [*definition.findings, *schema.findings]
    if not _unreadable(definition):
        findings += check_flow(
            definition.value,
            schema.value,
            source=text,
            schema_source=schema_text,
            walltimes=walltimes,
            is_served=served,
            extra_rules=rules,
            added_providers=installed_providers().descriptions,
        )
    return [
        FlowFinding(schema_file if found.loc[0] == "input_schema" else file, found)
        for found in findings
    ]


def sarif(findings: Iterable[FlowFinding], root: Path) -> dict[str, Any]:
    """Return findings as a SARIF 2.1.0 log, for code hosts.

    Args:
        findings: the findings.
        root: what the log's file names are relative to, as the root of the sources.
    """
    from headrace import __version__
    from headrace.flowlang.checker import sarif_log

    extra = [description for rule in installed_rules() for description in rule.descriptions]
    located = [(_uri(found.file, root), found.finding) for found in findings]
    return sarif_log(located, __version__, extra)


def _uri(file: Path, root: Path) -> str:
    absolute = file.absolute()
    if absolute.is_relative_to(root.absolute()):
        return quote(absolute.relative_to(root.absolute()).as_posix())
    return absolute.as_uri()


def _unreadable(document: Document) -> bool:
    return any(finding.code == "not-json" for finding in document.findings)


def _checked(document: Document, text: str) -> Document:
    """Return the schema with what is wrong with it; one that cannot be used says nothing."""
    from headrace._internal.json_schema import schema_problems
    from headrace.flowlang.checker import ERROR, Document, Finding
    from headrace.flowlang.checker.report.locate import locate

    problems: list[tuple[tuple[Any, ...], str]] = [((), "an input schema must be an object")]
    if isinstance(document.value, dict):
        found = schema_problems(document.value)
        problems = [(one.path, f"{one.json_path}: {one.message}") for one in found]
    if not problems:
        return document
    positions = locate(text)
    findings = [
        Finding(
            ERROR,
            "invalid-schema",
            ("input_schema", *at),
            " ".join(message.split()),
            "see JSON Schema draft 7",
            *positions.get(at, (1, 1)),
        )
        for at, message in problems
    ]
    return Document(None, (*document.findings, *findings))
