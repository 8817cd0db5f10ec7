"""Grants to clients: authorization codes, refresh tokens and consents.

The facility takes the place of Globus Auth for the clients that are led to it. Whoever has the
facility's token may let a client log in, once for each login; the client then gets that token, and
refresh tokens of its own that survive a restart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.clock import now
from headrace._internal.files import write_private
from headrace.facility.errors import FacilityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from globus_sdk.scopes import Scope

CODE_SECONDS: Final = 600.0
# Logins that were started and never ended are forgotten, the oldest first.
_MAX_CODES: Final = 100
_MAX_REFRESH_TOKENS: Final = 1000


class InvalidGrant(FacilityError):
    """A code or refresh token that is unknown, used, too old, or of another client."""


@dataclass(frozen=True)
class Authorization:
    """A login that somebody has allowed.

    Attributes:
        client_id: the client.
        redirect_uri: where the code is sent, or shown.
        scopes: what was asked for, with dependent scopes in brackets.
        challenge: the client proves by the text behind this SHA-256 that it began the login; empty
            where it proves itself by its secret.
        offline: whether it gets refresh tokens.
        nonce: what the client wants to find in the id token.
    """

    client_id: str
    redirect_uri: str
    scopes: str
    challenge: str
    offline: bool
    nonce: str = ""


@dataclass(frozen=True)
class RefreshGrant:
    """Client, resource server and scope of a refresh token."""

    client_id: str
    server: str
    scope: str


class Grants:
    """Codes, refresh tokens, consents and the key that signs id tokens.

    Args:
        path: the file that keeps all but the codes; readable by its owner only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._codes: dict[str, tuple[float, Authorization]] = {}
        self._stored = _read(path)

    def authorize(self, authorization: Authorization) -> str:
        """Allow a login, store its consents, and return its authorization code."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            known = {
                tuple(path) for path in self._stored["consents"].get(authorization.client_id, [])
            }
            paths = known | {
                path for scope in _parsed(authorization.scopes) for path in _paths(scope, ())
            }
            self._stored["consents"][authorization.client_id] = sorted(paths)
            self._write()
            self._codes[code] = (time.monotonic() + CODE_SECONDS, authorization)
            for oldest in list(self._codes)[:-_MAX_CODES]:
                del self._codes[oldest]
        return code

    def exchange(
        self, code: str, client_id: str, redirect_uri: str, verifier: str
    ) -> Authorization:
        """Exchange an authorization code, which is valid once.

        Raises:
            InvalidGrant: it is none, too old, or not this client's.
        """
        with self._lock:
            until, allowed = self._codes.pop(code, (0.0, None))
        if allowed is None or time.monotonic() > until:
            raise InvalidGrant("the code is unknown, was used already, or is too old")
        if (allowed.client_id, allowed.redirect_uri) != (client_id, redirect_uri):
            raise InvalidGrant("the code was given to another client or redirect_uri")
        if allowed.challenge and not hmac.compare_digest(_challenge(verifier), allowed.challenge):
            raise InvalidGrant("code_verifier does not belong to the code")
        return allowed

    def new_refresh_token(self, grant: RefreshGrant) -> str:
        """Make a refresh token; only its hash is kept."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            kept = self._stored["refresh"]
            kept[_hash(token)] = [grant.client_id, grant.server, grant.scope]
            for oldest in list(kept)[:-_MAX_REFRESH_TOKENS]:
                del kept[oldest]
            self._write()
        return token

    def refresh_grant(self, token: str, client_id: str) -> RefreshGrant:
        """Return the grant of a refresh token.

        Raises:
            InvalidGrant: it is none of this client, or was revoked.
        """
        with self._lock:
            kept = self._stored["refresh"].get(_hash(token))
        if kept is None or kept[0] != client_id:
            raise InvalidGrant("the refresh token is unknown, or was revoked: log in again")
        return RefreshGrant(*kept)

    def is_active(self, token: str) -> bool:
        """Return whether a refresh token is valid."""
        with self._lock:
            return _hash(token) in self._stored["refresh"]

    def revoke(self, token: str) -> None:
        """Revoke a refresh token."""
        with self._lock:
            if self._stored["refresh"].pop(_hash(token), None) is not None:
                self._write()

    def consents(self, identity_id: str) -> list[dict[str, Any]]:
        """Return the documents of all consents, each behind the one that it depends on.

        Args:
            identity_id: whose they are.
        """
        with self._lock:
            kept: Mapping[str, Sequence[Sequence[str]]] = dict(self._stored["consents"])
        moment = now()
        found: list[dict[str, Any]] = []
        for client_id, paths in sorted(kept.items()):
            numbers: dict[tuple[str, ...], int] = {}
            for path in sorted(map(tuple, paths)):
                numbers[path] = len(found) + 1
                chain = [numbers[path[: length + 1]] for length in range(len(path))]
                found.append(_consent(client_id, identity_id, path[-1], chain, moment))
        return found

    def signing_key(self) -> RSAPrivateKey:
        """Return the key that signs id tokens; it is made when it is first wanted."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        with self._lock:
            if not self._stored["key"]:
                made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
                self._stored["key"] = made.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                ).decode()
                self._write()
            pem = self._stored["key"].encode()
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise FacilityError(f"{self._path}: holds another kind of key; remove the file")
        return key

    def _write(self) -> None:
        write_private(self._path, json.dumps(self._stored))


def _read(path: Path) -> dict[str, Any]:
    empty: dict[str, Any] = {"refresh": {}, "consents": {}, "key": ""}
    try:
        stored = json.loads(path.read_text())
    except FileNotFoundError:
        return empty
    except (OSError, ValueError) as error:
        raise FacilityError(f"{path}: cannot be read ({error}); remove the file") from error
    if not isinstance(stored, dict) or set(stored) != set(empty):
        raise FacilityError(f"{path}: holds no logins; remove the file")
    return stored


def _parsed(scopes: str) -> list[Scope]:
    from globus_sdk.scopes import ScopeParser

    return list(ScopeParser.parse(scopes))


def _paths(scope: Scope, before: tuple[str, ...]) -> list[tuple[str, ...]]:
    path = (*before, scope.scope_string)
    return [path, *(each for inner in scope.dependencies for each in _paths(inner, path))]


def _consent(
    client_id: str, identity_id: str, scope: str, chain: list[int], moment: str
) -> dict[str, Any]:
    return {
        "id": chain[-1],
        "client": client_id,
        "scope": scope,
        "scope_name": scope,
        "effective_identity": identity_id,
        "dependency_path": chain,
        "created": moment,
        "updated": moment,
        "last_used": moment,
        "status": "approved",
        "allows_refresh": True,
        "auto_approved": False,
        "atomically_revocable": False,
    }


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
