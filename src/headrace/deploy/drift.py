"""A flow as the project has it beside the flow as a target has it."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.flowlang.resume_entry import (
    has_resume_entry,
    with_resume_entry,
    without_resume_entry,
    without_resume_member,
)
from headrace.project.flow_sources import ROLES, FlowSource

_TEXTS: Final = ("title", "subtitle", "description")
_DOCUMENTS: Final = ("definition", "input_schema")
_ADMINISTRATORS: Final = frozenset({"flow_owner", "flow_administrator"})


@dataclass(frozen=True)
class Difference:
    """A member of a flow that a target has otherwise.

    Attributes:
        member: its name.
        remote: what the target has.
        wanted: what the project has.
    """

    member: str
    remote: Any
    wanted: Any

    def lines(self) -> list[str]:
        """Return the difference as the lines of a diff: ``-`` there, ``+`` in the project."""
        if self.member not in _DOCUMENTS:
            return [
                f"- {self.member}: {_short(self.remote)}",
                f"+ {self.member}: {_short(self.wanted)}",
            ]
        old, new = (_text(value).splitlines() for value in (self.remote, self.wanted))
        body = difflib.unified_diff(old, new, lineterm="", n=2)
        return [f"  {self.member}:", *[line for line in body if line[:3] not in ("---", "+++")]]


def desired_document(flow: FlowSource, tag: str) -> dict[str, Any]:
    """Return the members of a flow that are deployed.

    Args:
        flow: the flow.
        tag: the keyword by which it is found again.
    """
    return {
        "title": flow.title,
        "definition": flow.definition,
        "input_schema": flow.input_schema,
        **flow.metadata(),
        "keywords": [*flow.keywords, tag],
    }


def deployed_document(flow: FlowSource, tag: str, target: str) -> dict[str, Any]:
    """Return the members of a flow as a target gets them.

    The hosted service begins every run at the flow's start: there the definition gets an entry by
    which `headrace run retry` goes on in the middle. A facility needs none. By the entry whoever
    starts the flow can begin at any state, with a payload that the schema does not check: a flow
    that others may start has none, unless it says so.

    Args:
        flow: the flow.
        tag: the keyword by which it is found again.
        target: ``local`` or ``globus``.
    """
    wanted = desired_document(flow, tag)
    if target == "local" or (flow.roles.get("flow_starters") and not flow.starters_may_resume):
        return wanted
    definition, schema = with_resume_entry(flow.definition, flow.input_schema)
    return {**wanted, "definition": definition, "input_schema": schema}


def without_entry(remote: Mapping[str, Any]) -> dict[str, Any]:
    """Return a target's document of a flow as the project would have it: without the entry."""
    definition, schema = remote.get("definition"), remote.get("input_schema")
    if not isinstance(definition, Mapping) or not has_resume_entry(definition):
        return dict(remote)
    own = without_resume_member(schema) if isinstance(schema, Mapping) else schema
    return {**remote, "definition": without_resume_entry(definition), "input_schema": own}


def differences(wanted: Mapping[str, Any], remote: Mapping[str, Any]) -> list[Difference]:
    """Return the members that a target has otherwise than the project.

    Args:
        wanted: as :func:`desired_document` gives it.
        remote: the target's document. Members that the caller may not see are not compared.
    """
    members = [*_TEXTS, "keywords", *_DOCUMENTS]
    if _may_administer(remote):
        members += list(ROLES.values())
    found = []
    for member in members:
        if member in _DOCUMENTS and remote.get(member) is None:
            continue  # a high-assurance flow does not show it
        pair = _plain(member, remote.get(member)), _plain(member, wanted.get(member))
        if pair[0] != pair[1]:
            found.append(Difference(member, *pair))
    return found


def fingerprint(remote: Mapping[str, Any]) -> str:
    """Return the hash of what a target has of a flow, of what everybody who sees it can see.

    A service may keep a document otherwise than it was sent; so what it answered is remembered,
    not what was sent, to see whether somebody has changed it since.
    """
    members = {name: _plain(name, remote.get(name)) for name in (*_TEXTS, "keywords", *_DOCUMENTS)}
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()


def _plain(member: str, value: Any) -> Any:
    if member in _TEXTS:
        return value or ""
    if member in _DOCUMENTS:
        return value or {}
    return sorted(value or [])


def _may_administer(remote: Mapping[str, Any]) -> bool:
    roles = remote.get("user_roles") or [remote.get("user_role")]
    known = {role for role in roles if role}
    return not known or bool(known & _ADMINISTRATORS)


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}..."
