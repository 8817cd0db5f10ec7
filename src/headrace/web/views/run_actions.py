"""Actions of a run in facts: bytes, rates and faults of transfers, tasks of Compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace.runs.describe import action_progress
from headrace.runs.poller import RunView
from headrace.web.views.texts import bytes_text, count_text, shortened


@dataclass(frozen=True)
class ActionFacts:
    """An action, under way or ended.

    Attributes:
        state: its state.
        text: how far it is, in words.
        done: bytes, files or tasks that are done; None where that is not known.
        total: of how many; likewise.
        facts: further facts, each with its name.
    """

    state: str
    text: str
    done: float | None
    total: float | None
    facts: list[tuple[str, str]]


def open_actions(view: RunView) -> list[ActionFacts]:
    """Return the actions of a run that are under way.

    Args:
        view: the run.
    """
    return [
        action_facts(str(each.get("state_name") or ""), each.get("details"))
        for each in view.actions
    ]


def action_facts(state: str, details: Any) -> ActionFacts:
    """Return the facts of an action.

    Args:
        state: its state.
        details: the details of its status document.
    """
    progress = action_progress(details)
    facts = _transfer(details) + _compute(details) if isinstance(details, Mapping) else []
    return ActionFacts(state, shortened(progress.text), progress.done, progress.total, facts)


def _transfer(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "bytes_transferred" not in details and "files_transferred" not in details:
        return []
    rate = details.get("effective_bytes_per_second")
    facts = [
        ("moved", bytes_text(_number(details.get("bytes_transferred")))),
        ("rate", f"{bytes_text(_number(rate))}/s" if _number(rate) is not None else ""),
        ("files", count_text(_number(details.get("files")))),
        ("skipped", count_text(_number(details.get("files_skipped")))),
        ("faults", count_text(_number(details.get("faults")))),
        ("state", shortened(details.get("nice_status") or "", 100)),
        ("task", shortened(details.get("task_id") or "", 60)),
    ]
    return [(name, text) for name, text in facts if text]


def _compute(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    tasks = details.get("tasks")
    facts = []
    if isinstance(tasks, Mapping):
        words = [f"{count_text(_number(n))} {name}" for name, n in tasks.items() if _number(n)]
        facts.append(("tasks", shortened(", ".join(words), 200)))
    ids = details.get("task_ids")
    if isinstance(ids, list) and ids:
        more = f" and {len(ids) - 3:,} more" if len(ids) > 3 else ""
        facts.append(("task ids", shortened(", ".join(map(str, ids[:3])), 200) + more))
    return [(name, text) for name, text in facts if text]


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None
