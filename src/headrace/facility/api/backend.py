"""Parts of a facility that the API's handlers use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from headrace.facility.api.change_waiters import ChangeWaiters
from headrace.facility.api.grants import Grants
from headrace.facility.compute_service import ComputeService
from headrace.facility.compute_service.hosted_endpoints import HostedEndpoints
from headrace.facility.compute_service.settings import ClientCredentials
from headrace.facility.engine.engine import Engine
from headrace.facility.identity import Identity
from headrace.facility.settings import SettingsFile
from headrace.facility.store.access_rules import AccessRuleTable
from headrace.facility.store.actions import ActionTable
from headrace.facility.store.database import Store
from headrace.facility.store.ended_runs import EndedRuns
from headrace.facility.store.flows import FlowTable
from headrace.facility.store.matching_runs import RunMatcher
from headrace.facility.store.run_counts import RunCounts
from headrace.facility.store.runs import RunTable
from headrace.facility.store.search_index import SearchEntryTable
from headrace.facility.store.statistics import EndpointsOfEndedRuns
from headrace.facility.store.tasks import FunctionTable
from headrace.facility.store.web_inputs import WebInputTable


@dataclass(frozen=True)
class Backend:
    """The parts of a facility that requests reach.

    Attributes:
        store: the facility's database, with its health.
        engine: executes runs.
        flows: stored flows.
        runs: stored runs.
        ended_runs: those of them that have ended.
        actions: stored actions.
        functions: stored functions.
        endpoints: hosted endpoints.
        settings: the collections and endpoints of the project.
        identity: the user.
        base_url: where the API is served.
        web_inputs: questions that runs put to people.
        access_rules: who may see which directory of a collection.
        search_index: what flows have published.
        compute: tasks from clients, and endpoints that register.
        credentials: id and secret of clients.
        token: access token that they get.
        grants: consents, codes and refresh tokens of clients.
        respond: stores the answer to a web input, and resumes the run that waits for it.
        change_waiters: requests that wait for changes.
        matcher: finds the runs that conditions choose.
        endpoints_of_ended_runs: those that runs used which ended lately.
    """

    store: Store
    engine: Engine
    flows: FlowTable
    runs: RunTable
    ended_runs: EndedRuns
    actions: ActionTable
    functions: FunctionTable
    endpoints: HostedEndpoints
    settings: SettingsFile
    identity: Identity
    base_url: str
    web_inputs: WebInputTable
    access_rules: AccessRuleTable
    search_index: SearchEntryTable
    compute: ComputeService
    credentials: ClientCredentials
    token: str
    grants: Grants
    respond: Callable[[str, Any], None]
    change_waiters: ChangeWaiters
    matcher: RunMatcher
    run_counts: RunCounts
    endpoints_of_ended_runs: EndpointsOfEndedRuns = field(default_factory=EndpointsOfEndedRuns)


def backend_of(request: Request) -> Backend:
    """Return the backend of the application that serves a request."""
    backend: Backend = request.app.state.backend
    return backend
