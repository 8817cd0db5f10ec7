"""Parts that several browsers ask for at once, each rendered once for all of them.

A part is kept for a second, and not beyond a change of one of its topics or an action of a form.
A part made of a value from before that change says when it is to be asked for again.
It is kept without the tokens of a session's forms, which are filled in for each.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.web.keyed_slots import KeyedSlots
from headrace.web.read_values import reading_values

if TYPE_CHECKING:
    from headrace.web.changes.broadcast import Broadcast
    from headrace.web.security.session import Role, Session

KEPT_SECONDS: Final = 1.0

_NEVER: Final = float("inf")

# Nobody who writes a label or a file name can guess them.
_FORM_TOKEN: Final = f"form-token-{secrets.token_hex(16)}"
_ONCE: Final = f"once-{secrets.token_hex(16)}"


class PartSession:
    """A session as templates of parts see it; what is of this session alone makes the part so.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.is_shared = True

    @property
    def role(self) -> Role:
        """The role, which a part is kept for."""
        return self._session.role

    @property
    def form_token(self) -> str:
        """Text in the place of the form token."""
        return _FORM_TOKEN

    def new_once(self) -> str:
        """Return text in the place of a new name of an action."""
        return _ONCE

    @property
    def id(self) -> int:
        """Number of the session."""
        self.is_shared = False
        return self._session.id

    @property
    def label(self) -> str:
        """The session's owner."""
        self.is_shared = False
        return self._session.label


def filled_in(text: str, session: Session) -> str:
    """Return a page or a part with the tokens of a session.

    Args:
        text: the page or the part.
        session: the session.
    """
    text = text.replace(_FORM_TOKEN, session.form_token)
    return re.sub(_ONCE, lambda found: session.new_once(), text)


@dataclass(frozen=True)
class PartText:
    """A part that was rendered.

    Attributes:
        text: its HTML.
        again: seconds after which it is to be asked for again, for it shows what is no more so;
            None where it is as things are.
    """

    text: str
    again: float | None = None


@dataclass(frozen=True)
class RenderedPart:
    """A part as it was rendered.

    Attributes:
        text: its HTML.
        is_shared: whether other sessions may see it.
        again: seconds after which it is to be asked for again in any case, or None.
    """

    text: str
    is_shared: bool = True
    again: float | None = None


class _Slot:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.text: str | None = None
        self.number = 0
        self.made_at = float("-inf")
        self.again_at = float("inf")


class PartCache:
    """Parts that were rendered just now.

    While nobody follows changes, as without JavaScript, nothing is kept.

    Args:
        broadcast: knows which topics have changed since.
        clock: seconds of a clock that is never set.
    """

    def __init__(self, broadcast: Broadcast, clock: Callable[[], float] = time.monotonic) -> None:
        self._broadcast = broadcast
        self._clock = clock
        self._slots = KeyedSlots(_Slot)

    def get(
        self, key: Hashable, topics: Sequence[str], render: Callable[[], RenderedPart]
    ) -> PartText:
        """Return a part; of several threads that ask for it one renders it.

        Args:
            key: names it: its address, query and role.
            topics: its topics.
            render: renders it.
        """
        if not self._broadcast.has_streams:
            return self.render(topics, render)
        slot = self._slots.get(key)
        with slot.lock:
            now = self._clock()
            is_new = now - slot.made_at < KEPT_SECONDS and now < slot.again_at
            is_current = slot.number >= self._broadcast.last_change(topics)
            if slot.text is not None and is_new and is_current:
                again = slot.again_at - now
                return PartText(slot.text, again if again < _NEVER else None)
            number = self._broadcast.number
            part, is_shared = self._rendered(topics, render)
            slot.text = part.text if is_shared else None
            slot.number, slot.made_at = number, self._clock()
            slot.again_at = slot.made_at + (_NEVER if part.again is None else part.again)
            return part

    def render(self, topics: Sequence[str], render: Callable[[], RenderedPart]) -> PartText:
        """Return a part that is rendered for one who asks, and not kept.

        Args:
            topics: its topics.
            render: renders it.
        """
        return self._rendered(topics, render)[0]

    def _rendered(
        self, topics: Sequence[str], render: Callable[[], RenderedPart]
    ) -> tuple[PartText, bool]:
        with self._broadcast.pace.making(), reading_values() as read:
            rendered = render()
        left = read.seconds_left(self._broadcast.last_change(topics))
        seconds = [each for each in (left, rendered.again) if each is not None]
        return PartText(rendered.text, min(seconds, default=None)), rendered.is_shared

    def forget(self) -> None:
        """Keep none of those that are rendered now or were before."""
        self._slots.clear()
