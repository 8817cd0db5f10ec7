"""The effect of a change of many runs on each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from headrace.runs.change_record import ChangeRecord
from headrace.runs.poller import FINAL


def unchanged_reason(verb: str, document: Mapping[str, Any]) -> str:
    """Return why a change leaves a run as it is; empty where it does not.

    Args:
        verb: the change, one that is made of many runs by one request.
        document: the run.
    """
    if verb != "tag" and document["status"] in FINAL:
        return f"it has ended: {document['status']}"
    held_at = document.get("held_at")
    if verb == "hold" and held_at:
        return f"held since {held_at[:19]} UTC"
    return "it is not held" if verb == "release" and not held_at else ""


def with_effect(
    record: ChangeRecord,
    add_tags: Sequence[str],
    remove_tags: Sequence[str],
    documents: Sequence[Mapping[str, Any]],
) -> ChangeRecord:
    """Return the record of a change with what it will do to runs, to be taken back.

    Args:
        record: the record; what an interrupted change has done stays in it.
        add_tags: tags that it gives each run.
        remove_tags: tags that it takes from each.
        documents: the runs.
    """
    changed = [each for each in documents if not unchanged_reason(record.verb, each)]
    added: dict[str, list[str]] = {}
    removed: dict[str, list[str]] = {}
    for each in changed:
        tags = [str(tag) for tag in each.get("tags") or ()]
        new = [" ".join(tag.split()) for tag in add_tags]
        run_id = str(each["run_id"])
        added[run_id] = [tag for tag in new if tag not in {*tags, *remove_tags}]
        removed[run_id] = [tag for tag in tags if tag in remove_tags]
    new_ids = [str(each["run_id"]) for each in changed]
    return replace(
        record,
        changed_ids=[*dict.fromkeys([*record.changed_ids, *new_ids])],
        added_tags={**_given(added), **record.added_tags},
        removed_tags={**_given(removed), **record.removed_tags},
    )


def _given(tags: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    return {run_id: words for run_id, words in tags.items() if words}
