"""A session: somebody's browser, and what it may do."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["look", "steer"]
ROLES: Final[tuple[Role, ...]] = ("look", "steer")


def hashed(secret: str) -> str:
    """Return what is stored of a secret: it opens nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Session:
    """A session.

    Attributes:
        id: its number in the record.
        role: ``look`` or ``steer``.
        label: whose it is, as the link said.
        secret: what its cookie carries.
    """

    id: int
    role: Role
    label: str
    secret: str

    @property
    def form_token(self) -> str:
        """Token that each form of this session carries, and no other site knows."""
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest()

    def new_once(self) -> str:
        """Return a name for an action of a form that is rendered now."""
        return secrets.token_urlsafe(12)

    def has_form_token(self, given: str) -> bool:
        """Return whether a form is of this session.

        Args:
            given: what the form carries.
        """
        return hmac.compare_digest(self.form_token.encode(), given.encode("utf-8", "replace"))
