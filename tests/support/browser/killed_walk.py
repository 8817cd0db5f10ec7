"""A walk over pages under kills, at random by a seed: what is pressed is done, and done once."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress

from playwright.sync_api import Error, Locator, Page

from headrace.runs.web_inputs import list_web_inputs
from tests.support.browser.killed_world import KINDS, KilledWorld
from tests.support.browser.pages import Pages
from tests.support.browser.shown_facts import LOOK, ShownFacts
from tests.support.waiting import wait_until

_PRESSES = ("once", "twice", "two tabs", "back")
_MILLISECONDS = 10_000
FORM = """(button) => ({
  address: button.form.action, fields: Object.fromEntries(new FormData(button.form)),
})"""
PENDING = "form[data-sent], main > p.outcome[role=status]"
OPEN = ("runs?tag=tick", "triggers/records", "web-inputs")
OPEN_PAGES = len(OPEN) + 1

Button = Callable[[Page], Locator]


class KilledWalk:
    """Somebody with two tabs, who steers, and with others, which only stand open.

    Args:
        world: what is steered and killed.
        pages: opens pages.
        facts: is told what they show.
        seed: of all that is random.
    """

    def __init__(self, world: KilledWorld, pages: Pages, facts: ShownFacts, seed: int) -> None:
        self.world = world
        self.facts = facts
        self.rng = random.Random(seed)
        self.wrong: list[str] = []
        self.told: Counter[str] = Counter()
        self._sent: list[tuple[str, dict[str, str]]] = []
        self._number = seed * 1000
        context = pages.new_context()
        context.expose_binding("tellShown", facts.tell)
        context.add_init_script(LOOK)
        self.tabs = [context.new_page() for _ in range(2)]
        self.tabs[0].goto(world.link)
        self.tabs[0].get_by_role("heading", level=1, name="Now").wait_for()
        for address in (*OPEN, f"runs/{world.held_run}"):
            self._go(context.new_page(), address)
        self.tasks = (
            self._start,
            self._answer,
            self._pause,
            self._replay,
            self._drain,
            self._retry_many,
            self._retry,
            self._hold,
        )

    def step(self, task: Callable[[], None], longest: float) -> None:
        """Do one thing while something is killed.

        Args:
            task: what is done.
            longest: seconds until all is restored, at most.
        """
        self._number += 1
        kinds = self.rng.sample(KINDS, self.rng.choice((1, 1, 1, 2)))
        # Between two kinds of kill both may be gone.
        with ExitStack() as stack:
            for kind in kinds:
                after, down = self.rng.uniform(0.0, 2.0), self.rng.uniform(0.2, longest)
                stack.enter_context(self.world.killing(kind, after, down))
            task()

    def is_all_true(self) -> bool:
        """Return whether all pages that stand open are in contact and show what is so."""
        self.tabs[0].evaluate("1")  # their reports come meanwhile
        return self.facts.count_true() >= OPEN_PAGES

    def send_old_forms(self) -> None:
        """Send every form again that had an outcome: nothing more is done by any."""
        before = self.world.what_is_so()
        for address, fields in self._sent:
            origin = address[: address.index("/", 8)]
            answer = self.tabs[0].request.post(
                address, form=fields, headers={"origin": origin}, timeout=60_000
            )
            assert answer.status < 500, answer.text()
        if (after := self.world.what_is_so()) != before:
            self.wrong.append(f"by old forms {before} became {after}")

    # -- what is done

    def _start(self) -> None:
        label = f"start {self._number}"

        def prepared(tab: Page) -> Locator:
            tab.locator("#run-label").fill(label)
            tab.locator("input[name=preflight]").uncheck()
            return tab.get_by_role("button", name="Start", exact=True)

        # Another tab, or the form that comes anew when one goes back, is another start.
        self._until("flows/good/start", prepared, lambda: self._labelled(label), ("once", "twice"))
        self._once(label, self._labelled(label))

    def _labelled(self, label: str) -> int:
        return sum(run.get("label") == label for run in self.world.runs())

    def _retry(self) -> None:
        [run_id] = self._failed(1)
        self._until(
            f"runs/{run_id}", _button("Retry"), lambda: self._retries([run_id])[run_id], _PRESSES
        )
        self._once(f"retry of {run_id}", self._retries([run_id])[run_id])

    def _retry_many(self) -> None:
        ids = self._failed(20)
        page = f"runs/change?verb=retry&tag=failed+{self._number}"
        # A retry that failed, too, is no more of them: its chain ends in another run.
        self._until(
            page, _button(re.compile("^Retry ")), lambda: min(self._retries(ids).values()), _PRESSES
        )
        for run_id, count in self._retries(ids).items():
            self._once(f"retry of {run_id}, with others", count)

    def _failed(self, count: int) -> list[str]:
        tag = f"failed {self._number}"
        ids = self.world.start("fail", count, label=tag, tags=(tag,))
        for run_id in ids:
            wait_until(lambda: self.world.run(run_id)["status"] == "FAILED", "it to fail")  # noqa: B023
        return ids

    def _retries(self, ids: list[str]) -> Counter[str]:
        found = [(run.get("retry_of") or {}).get("run_id") for run in self.world.runs()]
        return Counter({run_id: found.count(run_id) for run_id in ids})

    def _answer(self) -> None:
        label = f"asks {self._number}"
        [run_id] = self.world.start("ask", label=label)

        def question(tab: Page) -> Locator:
            option = "Go on" if tab is self.tabs[0] else "Stop"
            of_run = tab.locator("article.question", has_text=label)
            return of_run.get_by_role("button", name=option, exact=True)

        def is_asked() -> bool:
            return bool(
                self.world.insist(lambda services: list_web_inputs(services, run_id=run_id))
            )

        wait_until(is_asked, "the question")
        told = self._until("web-inputs", question, lambda: not is_asked(), _PRESSES)
        run = wait_until(
            lambda: found if (found := self.world.run(run_id))["completion_time"] else None,
            "the run's end",
        )
        given = run["details"]["output"]["answer"]["response"]
        label = {"yes": "Go on", "no": "Stop"}[given]
        for each in told:
            if each.startswith("Done:") and not each.endswith(f": the answer is {label}"):
                self.wrong.append(f"{each}, and the answer was {label}")

    def _pause(self) -> None:
        paused = self.world.is_paused()
        self._until(
            "triggers/records",
            _button("Resume" if paused else "Pause"),
            lambda: self.world.is_paused() != paused,
            _PRESSES,
        )

    def _hold(self) -> None:
        run_id = self.world.held_run
        held = bool(self.world.run(run_id)["held_at"])
        self._until(
            f"runs/{run_id}",
            _button("Release" if held else "Hold"),
            lambda: bool(self.world.run(run_id)["held_at"]) != held,
            _PRESSES,
        )

    def _replay(self) -> None:
        before = self.world.replays()
        self.world.start_arrivals()
        self._until(
            "triggers/records",
            _button("Replay first"),
            lambda: self.world.replays() > before,
            _PRESSES,
        )
        self._once("replay", self.world.replays() - before)

    def _drain(self) -> None:
        drained = self.world.is_drained()
        self._until(
            "endpoints/simulation",
            _button("Take new tasks" if drained else "Drain"),
            lambda: self.world.is_drained() != drained,
            _PRESSES,
        )

    def _once(self, what: str, count: int) -> None:
        if count != 1:
            self.wrong.append(f"{what}: done {count} times")

    # -- how it is done

    def _until(
        self, address: str, button: Button, is_done: Callable[[], object], presses: tuple[str, ...]
    ) -> list[str]:
        """Press a button as somebody does who looks what became of it, until it is done."""
        told: list[str] = []

        def press() -> bool:
            for tab in self.tabs:
                self._go(tab, address)
            if is_done():
                return True
            # Where the browser gave up, one looks what is so, and presses again if need be.
            with suppress(Error):
                told.extend(self._press(button, self.rng.choice(presses)))
            return bool(is_done())

        wait_until(press, f"{address} to be done")
        for each in told:
            self.told[each.partition(":")[0]] += 1
        if told and told[-1].startswith("Not done"):
            self.wrong.append(f"it was done, and the page said {told[-1]}")
        return told

    def _press(self, button: Button, how: str) -> list[str]:
        tab, other = self.tabs
        form = button(tab).evaluate(FORM, timeout=_MILLISECONDS)
        told = [each for each in self._pressed(button, how, tab, other) if each]
        if told:  # it has arrived, for it has an outcome
            self._sent.append((form["address"], form["fields"]))
        return told

    def _pressed(self, button: Button, how: str, tab: Page, other: Page) -> list[str]:
        if how == "two tabs":
            second = button(other)
            button(tab).click(no_wait_after=True, timeout=_MILLISECONDS)
            second.click(no_wait_after=True, timeout=_MILLISECONDS)
            return [self._outcome(tab), self._outcome(other)]
        if how == "twice":
            button(tab).dblclick(no_wait_after=True, timeout=_MILLISECONDS)
            return [self._outcome(tab)]
        button(tab).click(no_wait_after=True, timeout=_MILLISECONDS)
        told = [self._outcome(tab)]
        if how == "back":
            tab.go_back(timeout=_MILLISECONDS, wait_until="commit")
            again = button(tab)
            if again.count():
                again.click(no_wait_after=True, timeout=_MILLISECONDS)
                told.append(self._outcome(tab))
        return told

    def _outcome(self, tab: Page) -> str:
        """Return what a page says of what was pressed; load again what does not come.

        Empty where nothing was pressed: what the button was of is no more on the page.
        """

        def read() -> str:
            with suppress(Error):
                if tab.locator("main").count() and not tab.locator(PENDING).count():
                    return "none"
                if tab.url.startswith("chrome-error:") or tab.locator("body.neterror").count():
                    # The browser sends the form again.
                    tab.reload(timeout=_MILLISECONDS, wait_until="commit")
                found = tab.locator("main > p.outcome[role=status]")
                if found.count():
                    return found.first.inner_text(timeout=_MILLISECONDS)
            return ""

        said = wait_until(read, f"the outcome at {tab.url}", interval=0.1)
        return "" if said == "none" else said

    def _go(self, tab: Page, address: str) -> None:
        def is_there() -> bool:
            with suppress(Error):
                tab.goto(
                    self.world.url(address), timeout=_MILLISECONDS, wait_until="domcontentloaded"
                )
                return tab.locator("main h1, body > main").count() > 0
            return False

        wait_until(is_there, address)


def _button(name: str | re.Pattern[str]) -> Button:
    def find(tab: Page) -> Locator:
        return tab.get_by_role("button", name=name, exact=isinstance(name, str)).first

    return find
