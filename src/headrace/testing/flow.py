"""Flow under test, with its scripted providers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from headrace._internal.json_schema import value_problems
from headrace.action_providers import InstalledProvider, installed_providers
from headrace.flowlang import DefinitionError, parse_flow
from headrace.flowlang.model import ActionState
from headrace.flowlang.providers import ProviderCatalogue, body_problems
from headrace.flowlang.runs import Event, EventKind, apply
from headrace.testing.answers import Reply, Script, answer, refuse, reply_of
from headrace.testing.coverage import Coverage
from headrace.testing.problems import FlowTestError, require_known
from headrace.testing.providers import BY_URL
from headrace.testing.run import FlowRun

# 2026-01-01T00:00:00Z
START: Final = 1_767_225_600.0


class FlowTest:
    """Flow that is run in memory.

    Args:
        source: the folder of a flow, the file of a definition, or a definition.
        input_schema: JSON schema that inputs must fit; a folder's own by default.
        now: seconds since 1970 at the start of runs.
        context: members of ``$._context`` that replace the defaults.

    Raises:
        FlowTestError: there is no such file, or the definition cannot be used.
    """

    def __init__(
        self,
        source: str | Path | Mapping[str, Any],
        input_schema: Mapping[str, Any] | None = None,
        *,
        now: float = START,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, definition, schema = _read(source)
        self.input_schema = dict(schema if input_schema is None else input_schema)
        self.context = dict(context or {})
        try:
            self.flow = parse_flow(definition)
        except DefinitionError as error:
            raise FlowTestError(f"{self.name}: {error}") from None
        self.coverage = Coverage(self.name, definition)
        self._now = now
        self._installed = installed_providers()
        self._providers = ProviderCatalogue(self._installed.descriptions)
        self._by_state: dict[str, Script] = {}
        self._by_url: dict[str, Script] = {}

    def on(self, where: str, script: Script) -> FlowTest:
        """Script a provider.

        Args:
            where: name of an Action state, or URL of a provider; a state's script goes first.
            script: a :class:`~headrace.testing.Reply`; the ``details`` of a success; a function
                that gets the body and returns one of these; or a list of them, one for each call,
                the last for all that follow.

        Raises:
            FlowTestError: the flow has no such state, or calls no such URL.
        """
        actions = {name: s for name, s in self.flow.states.items() if isinstance(s, ActionState)}
        if "://" in where or where.startswith("urn:"):
            urls = {_plain(state.url) for state in actions.values()}
            self._by_url[require_known(_plain(where), sorted(urls), "URL that this flow calls")] = (
                script
            )
        else:
            self._by_state[require_known(where, actions, "Action of this flow")] = script
        return self

    def start(self, body: Mapping[str, Any] | None = None) -> FlowRun:
        """Start a run and leave it before its first state.

        Args:
            body: the input.

        Raises:
            FlowTestError: the input does not fit the schema.
        """
        given = json.loads(json.dumps(dict(body or {})))
        self._check(given)
        event = Event(EventKind.STARTED, self._now, {"input": given, "state": self.flow.start_at})
        return FlowRun(self, [event], apply(None, event), self._now)

    def run(self, body: Mapping[str, Any] | None = None) -> FlowRun:
        """Run the flow to its end, or until it is blocked, and return the run."""
        return self.start(body).run_to_end()

    def reply(self, state: str, url: str, body: dict[str, Any], number: int) -> Reply:
        """Return the reply to a call.

        A body that its provider would not take is refused, whatever is scripted.

        Raises:
            FlowTestError: nothing is scripted for it.
        """
        script = self._by_state.get(state)
        if script is None:
            script = self._by_url.get(_plain(url), BY_URL.get(_plain(url)))
        installed = self._installed.find(url)
        if script is None and installed is None:
            raise FlowTestError(self._not_scripted(state, url))
        provider = self._providers.find(url)
        problems = body_problems(provider, body) if provider is not None else []
        if problems:
            return refuse("; ".join(map(str, problems)), "RequestValidationError")
        if script is None and installed is not None:
            script = self._example(installed, state, body)
        return reply_of({} if script is None else script, body, number)

    def _example(self, installed: InstalledProvider, state: str, body: dict[str, Any]) -> Reply:
        url = installed.description.url
        try:
            details = installed.implementation.example_result(body)
        except NotImplementedError:
            raise FlowTestError(self._not_scripted(state, url)) from None
        for problem in value_problems(installed.description.details, details):
            raise FlowTestError(
                f"{self.name}: the example_result of {installed.origin} does not fit its "
                f"result_schema at {problem.json_path}: {problem.message}"
            )
        return answer(details)

    def _not_scripted(self, state: str, url: str) -> str:
        unusable = "".join(f"; {problem}" for problem in self._installed.problems.values())
        return (
            f"{self.name}: state {state!r} calls {url}, and nothing is scripted for it; "
            f"add .on({state!r}, ...){unusable}"
        )

    def _check(self, body: dict[str, Any]) -> None:
        from headrace.facility.engine.validation import input_entries

        for entry in input_entries(self.input_schema, body):
            where = ".".join(map(str, entry["loc"]))
            raise FlowTestError(f"{self.name}: the input does not fit at {where}: {entry['msg']}")


def _plain(url: str) -> str:
    return url.rstrip("/")


def _read(source: str | Path | Mapping[str, Any]) -> tuple[str, Any, Any]:
    if isinstance(source, Mapping):
        return "flow", source, {}
    path = Path(source)
    file = path / "definition.json" if path.is_dir() else path
    schema = file.parent / "input_schema.json"
    try:
        definition = json.loads(file.read_text(encoding="utf-8"))
        fits = json.loads(schema.read_text(encoding="utf-8")) if path.is_dir() else {}
    except OSError as error:
        raise FlowTestError(f"{error.filename}: {error.strerror}") from None
    except ValueError as error:
        raise FlowTestError(f"{file}: not JSON: {error}") from None
    return path.stem if path.is_file() else path.name, definition, fits
