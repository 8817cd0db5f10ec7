"""The flow checker over the project's files: findings with file, line and column."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.project.errors import ProjectError
from headrace.project.files import read_text

if TYPE_CHECKING:
    from headrace.project.project import Project


@dataclass(frozen=True)
class FlowFinding:
    """Something the checker found in a file.

    Attributes:
        file: the file.
        severity: ``error`` or ``warning``.
        code: the finding's kind, such as ``path-cannot-exist``.
        line: counted from 1, or None where it cannot be told.
        column: likewise.
        message: what is wrong.
        fix: what to do about it.
    """

    file: Path
    severity: str
    code: str
    line: int | None
    column: int | None
    message: str
    fix: str

    @property
    def where(self) -> str:
        """``file:line:column``, as far as known."""
        parts = [str(self.file), self.line, self.column]
        return ":".join(str(part) for part in parts if part is not None)

    def __str__(self) -> str:
        fix = f" ({self.fix})" if self.fix else ""
        return f"{self.where}: {self.severity} {self.code}: {self.message}{fix}"

    def document(self) -> dict[str, Any]:
        """Returns the finding as JSON shows it."""
        return {**self.__dict__, "file": str(self.file)}


def check_flows(project: Project, names: Iterable[str] = ()) -> list[FlowFinding]:
    """Checks flows of a project.

    Args:
        project: the project.
        names: the flows; all of them by default.

    Raises:
        ProjectError: no flow of a given name, or a file cannot be read.
    """
    directories = sorted(path.parent for path in project.flows_dir.glob("*/definition.json"))
    known = {directory.name: directory for directory in directories}
    findings: list[FlowFinding] = []
    for name in names or known:
        if name not in known:
            raise ProjectError(
                f"no flow {name!r} in {project.flows_dir}; known: {', '.join(known) or 'none'}"
            )
        findings += check_file(known[name] / "definition.json")
    return findings


def check_file(path: Path) -> list[FlowFinding]:
    """Checks one definition, with the ``input_schema.json`` beside it where there is one.

    Args:
        path: the definition, or the flow's directory.

    Raises:
        ProjectError: the file cannot be read.
    """
    file = path / "definition.json" if path.is_dir() else path
    schema_file = file.with_name("input_schema.json")
    findings: list[FlowFinding] = []
    text = read_text(file)
    definition = _parse(file, text, findings)
    schema = None
    if schema_file.is_file():
        schema = _parse(schema_file, read_text(schema_file), findings)
    if findings:
        return findings
    if schema is not None:
        findings += _check_schema(schema_file, schema)
    return findings + _check_definition(file, text, definition, schema)


def _parse(file: Path, text: str, findings: list[FlowFinding]) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        findings.append(
            FlowFinding(file, "error", "not-json", error.lineno, error.colno, error.msg, "")
        )
        return None


def _check_schema(file: Path, schema: Any) -> list[FlowFinding]:
    from jsonschema import Draft7Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        message = f"{error.json_path}: {error.message}"
        fix = "see JSON Schema draft 7"
        return [FlowFinding(file, "error", "schema-invalid", 1, 1, message, fix)]
    return []


def _check_definition(file: Path, text: str, definition: Any, schema: Any) -> list[FlowFinding]:
    from headrace.flowlang import check_flow

    return [
        FlowFinding(
            file,
            finding.severity,
            finding.code,
            finding.line,
            finding.column,
            finding.message,
            finding.fix or "",
        )
        for finding in check_flow(definition, schema, source=text)
    ]
