"""The watcher: follows all triggers in one thread, and sleeps until something is due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from headrace.triggers.events import WatchEvent
from headrace.triggers.ledger import Ledger
from headrace.triggers.post import Post
from headrace.triggers.rule import Trigger
from headrace.triggers.starter import Starter, Starts


class Watcher:
    """Starts exactly one run on each arrival of its triggers.

    It may be killed at any moment: the next one, with the same ledger, goes on where it stood,
    and finds what arrived meanwhile.

    Args:
        triggers: what to watch.
        ledger: the ledger, which the watcher has to itself.
        starter: starts runs and finds those it started.
        on_event: told of what happens, in the watcher's thread.
        first_wait: seconds after the first failed attempt to start a run; doubled each time.
        longest_wait: seconds between attempts at most.
        clock: monotonic time in s; for tests.
    """

    def __init__(
        self,
        triggers: Sequence[Trigger],
        ledger: Ledger,
        starter: Starter,
        on_event: Callable[[WatchEvent], None],
        *,
        first_wait: float = 1.0,
        longest_wait: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._triggers = tuple(triggers)
        self._ledger = ledger
        self._starter = starter
        self._on_event = on_event
        self._first_wait = first_wait
        self._longest_wait = longest_wait
        self._clock = clock
        self._wake = threading.Condition()
        self._hints: dict[str, dict[str, bool]] = {}
        self._ended = False

    def run(self, stop: threading.Event) -> None:
        """Watch until told to stop.

        Args:
            stop: set to end, from a signal handler or another thread. A run that is being started
                is waited for.
        """
        starts = Starts(
            self._ledger,
            self._starter,
            self._on_event,
            first_wait=self._first_wait,
            longest_wait=self._longest_wait,
        )
        posts = {
            trigger.name: Post(
                trigger, self._ledger, starts, self._on_event, self._hinter(trigger), self._clock
            )
            for trigger in self._triggers
        }
        self._ended = False
        threading.Thread(target=self._listen, args=(stop,), daemon=True).start()
        try:
            while not stop.is_set():
                hints = self._wait(posts.values(), stop)
                for name, changes in hints.items():
                    posts[name].hinted(changes)
                for post in posts.values():
                    task = post.agenda.take(self._clock())
                    if task and not stop.is_set():
                        post.do(task)
        finally:
            self._ended = True
            for post in posts.values():
                post.close()

    def _wait(self, posts: Iterable[Post], stop: threading.Event) -> dict[str, dict[str, bool]]:
        """Sleep until a task is due, a hint comes or the end has come; return the hints."""
        times = [when for post in posts if (when := post.agenda.next_time) is not None]
        with self._wake:
            if not self._hints and not stop.is_set():
                self._wake.wait(max(0.0, min(times) - self._clock()) if times else None)
            hints, self._hints = self._hints, {}
        return hints

    def _hinter(self, trigger: Trigger) -> Callable[[str, bool], None]:
        def hint(name: str, written: bool) -> None:
            with self._wake:
                changes = self._hints.setdefault(trigger.name, {})
                changes[name] = written and changes.get(name, True)
                self._wake.notify()

        return hint

    def _listen(self, stop: threading.Event) -> None:
        """Wake the watcher when it is told to stop; a condition cannot wait for an event."""
        while not self._ended and not stop.wait(1.0):
            pass
        with self._wake:
            self._wake.notify()
