"""Composition of a facility: each part is made once, after the parts that it needs."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace.facility.api import Backend
from headrace.facility.api.change_waiters import ChangeWaiters
from headrace.facility.api.grants import Grants
from headrace.facility.compute_service import ComputeService, PrivateBroker, missing_broker
from headrace.facility.compute_service.endpoint_lookup import EndpointLookup
from headrace.facility.compute_service.hosted_endpoints import HostedEndpoints
from headrace.facility.compute_service.settings import (
    PRIVATE_BROKER,
    ClientCredentials,
    client_credentials,
    worker_environment,
)
from headrace.facility.engine.engine import Engine
from headrace.facility.engine.retention import RETENTION_DAYS
from headrace.facility.errors import FacilityError
from headrace.facility.identity import Identity, local_identity
from headrace.facility.parts import PartContext
from headrace.facility.providers import (
    AwaitWebInputProvider,
    CollectionInfoProvider,
    CreateWebInputProvider,
    ExpressionEvalProvider,
    HelloWorldProvider,
    HttpProvider,
    ManagePermissionProvider,
    SearchIngestProvider,
    SubFlowProvider,
    TaskRunner,
    TaskTracker,
    WebInputExpiry,
    compute_providers,
    make_installed_providers,
    transfer_providers,
)
from headrace.facility.settings import SettingsFile, state_directory
from headrace.facility.store.access_rules import AccessRuleTable
from headrace.facility.store.actions import ActionTable, FacilityProvider
from headrace.facility.store.database import Store
from headrace.facility.store.ended_runs import EndedRuns
from headrace.facility.store.flows import FlowTable
from headrace.facility.store.matching_runs import RunMatcher
from headrace.facility.store.run_counts import RunCounts
from headrace.facility.store.runs import RunTable
from headrace.facility.store.search_index import SearchEntryTable
from headrace.facility.store.tasks import FunctionTable
from headrace.facility.store.web_inputs import WebInputTable, web_input_lifetime
from headrace.facility.task_events import TaskEventRouter

logger = logging.getLogger(__name__)

Closers = Mapping[str, Callable[[], None]]


@dataclass(frozen=True)
class Tables:
    """Tables of the store, with the settings and the identity that go with them."""

    store: Store
    settings: SettingsFile
    identity: Identity
    flows: FlowTable
    runs: RunTable
    actions: ActionTable
    functions: FunctionTable
    web_inputs: WebInputTable
    access_rules: AccessRuleTable
    search_index: SearchEntryTable


@dataclass(frozen=True)
class Compute:
    """Endpoints, the Compute service and the runner of actions' tasks."""

    endpoints: HostedEndpoints
    service: ComputeService
    runner: TaskRunner
    credentials: ClientCredentials


@dataclass(frozen=True)
class Providers:
    """Action providers.

    Attributes:
        all: the providers, in the order in which one is chosen for a URL.
        await_web_input: takes responses to web inputs.
        expiry: closes web inputs whose time is over.
        closers: names of parts, and the functions that end their threads.
    """

    all: list[FacilityProvider]
    await_web_input: AwaitWebInputProvider
    expiry: WebInputExpiry
    closers: Closers


@dataclass(frozen=True)
class Container:
    """Parts of a facility, which work together once they are started.

    Attributes:
        root: the project's root.
        tables: the store's tables.
        engine: executes runs.
        compute: endpoints and tasks.
        providers: action providers.
        backend: the parts that requests reach.
    """

    root: Path
    tables: Tables
    engine: Engine
    compute: Compute
    providers: Providers
    backend: Backend

    def start(self, broker: str) -> PrivateBroker | None:
        """Resume all that is open, and start to work.

        Args:
            broker: URL of the broker, or the word for a private one; none where empty.

        Returns:
            The private broker, where one was started.
        """
        # What an earlier process left running must end before its tasks begin again.
        self.compute.endpoints.reap()
        private, broker_url, missing = _start_broker(self.root, broker, self.tables.store)
        self.engine.start(self.providers.all)
        self.providers.expiry.start()
        self.compute.service.start(broker_url, missing, self.engine.call_later)
        return private

    def part_context(self) -> PartContext:
        """Return what parts from above may use."""
        tables = self.tables
        return PartContext(
            self.root,
            tables.identity,
            tables.runs,
            tables.actions,
            tables.web_inputs,
            self.engine.event_queue,
            tables.store.health,
        )

    def closers(self, broker: PrivateBroker | None) -> Closers:
        """Return the functions that stop the parts, by name and in order."""
        return {
            "tasks": self.compute.runner.close,
            "compute service": self.compute.service.stop,
            **self.providers.closers,
            "engine": self.engine.stop,
            "endpoints": self.compute.endpoints.stop,
            **({"broker": broker.stop} if broker is not None else {}),
            "store": self.tables.store.close,
        }


def make_container(root: Path, store: Store, url: str, token: str) -> Container:
    """Make the parts of a facility; none of them works yet.

    Args:
        root: the project's root.
        store: the store.
        url: base URL of the API.
        token: its bearer token.

    Raises:
        FacilityError: a variable of the environment or a file of the state cannot be used.
    """
    tables = _make_tables(root, store)
    engine = Engine(store, tables.identity, retention_days=_retention_days())
    compute = _make_compute(root, tables, engine, url)
    providers = _make_providers(root, tables, engine, compute)
    backend = Backend(
        store=store,
        engine=engine,
        flows=tables.flows,
        runs=tables.runs,
        ended_runs=EndedRuns(store, tables.runs),
        actions=tables.actions,
        functions=tables.functions,
        endpoints=compute.endpoints,
        settings=tables.settings,
        identity=tables.identity,
        base_url=url,
        web_inputs=tables.web_inputs,
        access_rules=tables.access_rules,
        search_index=tables.search_index,
        compute=compute.service,
        credentials=compute.credentials,
        token=token,
        grants=Grants(state_directory(root) / "logins.json"),
        respond=providers.await_web_input.respond,
        change_waiters=ChangeWaiters(store.changes),
        matcher=RunMatcher(tables.runs),
        run_counts=RunCounts(store.changes),
    )
    return Container(root, tables, engine, compute, providers, backend)


def _make_tables(root: Path, store: Store) -> Tables:
    identity = local_identity()
    return Tables(
        store=store,
        settings=SettingsFile(root),
        identity=identity,
        flows=FlowTable(store),
        runs=RunTable(store),
        actions=ActionTable(store),
        functions=FunctionTable(store),
        web_inputs=WebInputTable(store, identity, web_input_lifetime()),
        access_rules=AccessRuleTable(store),
        search_index=SearchEntryTable(store),
    )


def _make_compute(root: Path, tables: Tables, engine: Engine, url: str) -> Compute:
    store = tables.store
    tracker = TaskTracker(store, engine.finish_action)
    events = TaskEventRouter(tracker.on_event)
    hosted = HostedEndpoints(
        root, tables.settings, events.publish, lambda: worker_environment(root, url)
    )
    credentials = client_credentials(root)
    service = ComputeService(
        store, tables.identity, hosted.hosted, events, credentials.client_id[:8]
    )
    endpoints = EndpointLookup(hosted, service)
    runner = TaskRunner(store, endpoints, tracker, tables.actions.count_attempt)
    return Compute(hosted, service, runner, credentials)


def _make_providers(root: Path, tables: Tables, engine: Engine, compute: Compute) -> Providers:
    store, settings, actions = tables.store, tables.settings, tables.actions
    transfers, close_transfers = transfer_providers(
        store, settings, engine.finish_action, actions.count_attempt
    )
    await_web_input = AwaitWebInputProvider(tables.web_inputs, actions, engine.finish_action)
    expiry = WebInputExpiry(tables.web_inputs, await_web_input, engine.call_later)
    sub_flows = SubFlowProvider(tables.flows, tables.runs, actions, engine, store.health)
    http = HttpProvider(store, settings, engine)
    installed = make_installed_providers(state_directory(root), store, engine)
    return Providers(
        all=[
            *transfers,
            CollectionInfoProvider(settings, tables.identity),
            ManagePermissionProvider(settings, tables.access_rules),
            SearchIngestProvider(tables.search_index),
            *compute_providers(compute.runner),
            HelloWorldProvider(engine.finish_action, engine.call_later),
            ExpressionEvalProvider(),
            CreateWebInputProvider(tables.web_inputs, expiry),
            await_web_input,
            sub_flows,
            *installed,
            http,
        ],
        await_web_input=await_web_input,
        expiry=expiry,
        closers={
            "transfers": close_transfers,
            "HTTP action providers": http.close,
            **{f"action provider {provider.url}": provider.close for provider in installed},
            "sub-flows": sub_flows.close,
        },
    )


def _start_broker(root: Path, broker: str, store: Store) -> tuple[PrivateBroker | None, str, str]:
    """Return the private broker, the URL of the broker, and why there is none."""
    if not broker or broker != PRIVATE_BROKER:
        return None, broker, ""
    missing = missing_broker()
    if missing:
        logger.warning("%s", missing)
        return None, "", missing
    private = PrivateBroker(state_directory(root) / "broker", store.health)
    private.start()
    return private, private.url, ""


def _retention_days() -> float | None:
    text = os.environ.get("HEADRACE_RETENTION_DAYS", str(RETENTION_DAYS))
    if text == "forever":
        return None
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0.0 <= days < math.inf:
        raise FacilityError(
            f"HEADRACE_RETENTION_DAYS={text}: must be a number of days or 'forever'"
        )
    return days
