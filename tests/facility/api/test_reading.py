"""Documents of a facility, read with the SDK's clients and without."""

from __future__ import annotations

from tests.support.facility.live_facility import LiveFacility

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


def test_the_documents_are_those_of_the_sdk(facility: LiveFacility) -> None:
    flow = facility.deploy(PASS)
    runs = [facility.start(flow, {}, label=f"run {number}") for number in range(5)]
    for run in runs:
        facility.wait(run)
    services = facility.services
    query = {"orderby": "start_time DESC", "per_page": 2}
    pages = services.flows.paginated.list_runs(query_params=query)
    assert list(services.read_items("/runs", "runs", query)) == list(pages.items())
    assert services.read(f"/runs/{runs[0]}") == services.flows.get_run(runs[0]).data
    log = services.flows.paginated.get_run_logs(runs[0], limit=1, reverse_order=True)
    wanted = {"limit": 1, "reverse_order": True}
    found = list(services.read_items(f"/runs/{runs[0]}/log", "entries", wanted))
    assert found == list(log.items())
    assert len(found) > 2
