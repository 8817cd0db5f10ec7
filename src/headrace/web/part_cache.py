"""Parts that several browsers ask for at once, each rendered once for all of them.

A part is kept for a second, and not beyond a change of one of its topics or an action of a form.
It is kept without the tokens of a session's forms, which are filled in for each.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Final

from headrace.web.keyed_slots import KeyedSlots

if TYPE_CHECKING:
    from headrace.web.changes.broadcast import Broadcast
    from headrace.web.security.session import Role, Session

KEPT_SECONDS: Final = 1.0

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


class _Slot:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.text: str | None = None
        self.number = 0
        self.made_at = float("-inf")


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
        self, key: Hashable, topics: Sequence[str], render: Callable[[], tuple[str, bool]]
    ) -> str:
        """Return a part; of several threads that ask for it one renders it.

        Args:
            key: names it: its address, query and role.
            topics: its topics.
            render: renders it; returns it, and whether others may see it.
        """
        if not self._broadcast.has_streams:
            return render()[0]
        slot = self._slots.get(key)
        with slot.lock:
            is_new = self._clock() - slot.made_at < KEPT_SECONDS
            is_current = slot.number >= self._broadcast.last_change(topics)
            if slot.text is not None and is_new and is_current:
                return slot.text
            number = self._broadcast.number
            text, is_shared = render()
            slot.text = text if is_shared else None
            slot.number, slot.made_at = number, self._clock()
            return text

    def forget(self) -> None:
        """Keep none of those that are rendered now or were before."""
        self._slots.clear()
