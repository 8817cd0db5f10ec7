"""The end of a run that a person names by the run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.config.errors import ProjectError
from headrace.runs.poller import FINAL
from headrace.runs.query import find_run
from headrace.triggers.arrival import Identity
from headrace.triggers.arrival_location import arrival_from_record
from headrace.triggers.errors import TriggerError
from headrace.triggers.ledger_access import read_ledger
from headrace.triggers.named_arrival import NamedArrival
from headrace.triggers.run_end import (
    COLLECTION,
    EndCondition,
    end_arrival,
    run_end_from_document,
)
from headrace.triggers.trigger import Trigger

if TYPE_CHECKING:
    from headrace.hosted import Services


def find_run_end(
    trigger: Trigger, words: str, ledger: Path, services: Services, flow_ids: dict[str, str]
) -> NamedArrival:
    """Find the end of a run.

    Args:
        trigger: the trigger, whose arrivals are ends of runs.
        words: the run's id, the beginning of it, or ``last``.
        ledger: the ledger's file; there may be none.
        services: the services where the run is.
        flow_ids: names of the flows that the trigger follows, by their ids there.

    Raises:
        TriggerError: it is no arrival of the trigger; or the ledger cannot be read.
        ProjectError: no run or more than one begins like this.
        GlobusAPIError: the service refuses.
    """
    run_id = _newest(services, flow_ids) if words == "last" else find_run(services, words)
    document = services.read(f"/runs/{run_id}")
    where = f"run {run_id}"
    if str(document["flow_id"]) not in flow_ids:
        flows = ", ".join(flow_ids.values())
        raise TriggerError(f"{where}: is no run of {flows}, which trigger {trigger.name} follows")
    end = run_end_from_document(document, flow_ids)
    if trigger.after is not None and not EndCondition(trigger.after).holds(end):
        raise TriggerError(
            f"{where}: {end.status}, label {end.label!r}, is no arrival of trigger "
            f"{trigger.name}, which starts {trigger.after.text}"
        )
    records = [one for one in read_ledger(ledger, trigger.name) if one.path == end.path]
    record = records[-1] if records else None
    arrival = arrival_from_record(trigger, record) if record else end_arrival(trigger, end)
    identity = Identity(int(end.completed.timestamp() * 1e6), 1)
    return NamedArrival(trigger, arrival, COLLECTION, identity, True, record)


def _newest(services: Services, flow_ids: dict[str, str]) -> str:
    query: dict[str, Any] = {
        "filter_flow_id": ",".join(flow_ids),
        "filter_status": ",".join(sorted(FINAL)),
        "orderby": "completion_time DESC",
        "per_page": 1,
    }
    newest = next(services.read_items("/runs", "runs", query), None)
    if newest is None:
        raise ProjectError(f"no run of {', '.join(flow_ids.values())} has ended")
    return str(newest["run_id"])
