"""Files of FireWorks: workflows and single Fireworks, in YAML and JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace._internal.yaml_aliases import check_aliases
from headrace.campaigns.errors import CampaignError


@dataclass(frozen=True)
class Firework:
    """A Firework of a file.

    Attributes:
        file: the file.
        id: its number there; 0 of a single one without.
        name: its name; "" where it has none of its own.
        state: its state, where the file comes from a database; "" of one that was written.
        spec: its specification.
        parents: numbers of the Fireworks that it needs.
    """

    file: Path
    id: int
    name: str
    state: str
    spec: Mapping[str, Any]
    parents: tuple[int, ...] = ()

    @property
    def tasks(self) -> list[Mapping[str, Any]]:
        """Its Firetasks, in their order."""
        tasks = self.spec.get("_tasks")
        found = [tasks] if isinstance(tasks, Mapping) else tasks
        return [task for task in found or [] if isinstance(task, Mapping)]

    @property
    def place(self) -> str:
        """The place of the Firework, for people."""
        name = f" ({self.name})" if self.name else ""
        return f"{self.file}: firework {self.id}{name}" if self.id else f"{self.file}{name}"


@dataclass(frozen=True)
class WorkflowFile:
    """A file of FireWorks.

    Attributes:
        file: the file.
        name: the workflow's name; "" where it has none.
        fireworks: its Fireworks, in the order of their numbers.
    """

    file: Path
    name: str
    fireworks: tuple[Firework, ...] = field(default_factory=tuple)


def read_workflow_file(file: Path) -> WorkflowFile:
    """Read a file of FireWorks.

    Raises:
        CampaignError: it cannot be read, is neither YAML nor JSON, or holds no Firework.
    """
    values = _values(file)
    if isinstance(values, Mapping) and isinstance(values.get("fws"), list):
        return _workflow(file, values)
    if isinstance(values, Mapping) and isinstance(values.get("spec"), Mapping):
        return WorkflowFile(file, "", (_firework(file, values, ()),))
    raise CampaignError(
        f"{file}: holds no Firework: a workflow has `fws` and `links`, a single Firework `spec`"
    )


def _values(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CampaignError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CampaignError(f"{file}: not UTF-8: {error.reason}") from error
    if file.suffix.lower() == ".json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CampaignError(f"{file}: not valid JSON: {error}") from error
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise CampaignError(
            f"{file}: workflows in YAML need PyYAML, which is not installed: "
            "`pip install 'headrace[tables]'`, or write it as JSON"
        ) from error
    try:
        values = yaml.safe_load(text)
        check_aliases(values)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise CampaignError(f"{file}: not valid YAML: {reason}") from error
    return values


def _workflow(file: Path, values: Mapping[str, Any]) -> WorkflowFile:
    parents: dict[int, list[int]] = {}
    links = values.get("links")
    for parent, children in links.items() if isinstance(links, Mapping) else ():
        for child in children if isinstance(children, list) else [children]:
            parents.setdefault(_number(file, child), []).append(_number(file, parent))
    found = []
    for one in values["fws"]:
        if not isinstance(one, Mapping) or not isinstance(one.get("spec"), Mapping):
            raise CampaignError(f"{file}: fws holds something that is no Firework: it has no spec")
        number = _number(file, one.get("fw_id", 0))
        found.append(_firework(file, one, tuple(sorted(set(parents.get(number, ()))))))
    numbers = [one.id for one in found]
    for number, count in Counter(numbers).items():
        if count > 1:
            raise CampaignError(f"{file}: two Fireworks have the number {number} (fw_id)")
    missing = {one for wanted in parents.values() for one in wanted} | set(parents)
    if missing - set(numbers):
        raise CampaignError(
            f"{file}: links name Firework {min(missing - set(numbers))}, which fws does not have"
        )
    name = values.get("name")
    fireworks = tuple(sorted(found, key=lambda one: one.id))
    return WorkflowFile(file, _own_name(name), fireworks)


def _firework(file: Path, values: Mapping[str, Any], parents: tuple[int, ...]) -> Firework:
    state = values.get("state")
    return Firework(
        file=file,
        id=_number(file, values.get("fw_id", 0)),
        name=_own_name(values.get("name")),
        state=state if isinstance(state, str) else "",
        spec=values["spec"],
        parents=parents,
    )


def _own_name(name: Any) -> str:
    """Return a name; "" for the one that FireWorks gives where nobody has."""
    return name if isinstance(name, str) and not name.lower().startswith("unnamed") else ""


def _number(file: Path, value: Any) -> int:
    try:
        return abs(int(value))  # numbers that no database has given yet are negative
    except (TypeError, ValueError, OverflowError):
        raise CampaignError(f"{file}: {value!r} is no number of a Firework (fw_id)") from None
