"""Settings of a facility: collections, endpoints and action providers, by id.

The project writes them to the state directory; a running facility picks a change up at the next
use, so that a collection added to ``headrace.toml`` needs no restart.
"""

from __future__ import annotations

import json
import logging
import os
import pwd
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeGuard

from headrace._internal.file_signature import file_signature
from headrace._internal.files import write_private
from headrace._internal.json_check import InvalidValue, check_text
from headrace._internal.terminal_text import terminal_text
from headrace.facility.errors import FacilityError

logger = logging.getLogger(__name__)

_REFRESH_SECONDS: Final = 60.0
STATE_DIRECTORY = ".headrace"


# A directory on a local disk, for projects on file systems that hold no database well.
STATE_VARIABLE = "HEADRACE_STATE"
_RECORD_FILE = "state_directory"


def state_directory(root: Path) -> Path:
    """Return the directory that holds the facility's state.

    It is ``.headrace`` below the project's root. Where ``HEADRACE_STATE`` names a directory, or
    did so at the facility's last start, it is one of the project's own below that.

    Raises:
        FacilityError: it belongs to somebody else, or the variable names no usable directory.
    """
    usual = root / STATE_DIRECTORY
    check_owner(usual)
    parent = os.environ.get(STATE_VARIABLE)
    if parent:
        from hashlib import sha256  # a moment of its own, which only a named directory needs

        digest = sha256(os.fsencode(root)).hexdigest()[:8]
        found = _named_directory(parent) / f"{root.name}-{digest}"
    else:
        found = _recorded_directory(usual) or usual
    if found != usual:
        check_owner(found)
    return found


def _named_directory(text: str) -> Path:
    """Return the directory that the variable names; it, or one above it, must be there.

    Raises:
        FacilityError: it cannot hold the state.
    """
    problem = ""
    try:
        directory = Path(check_text(text, STATE_VARIABLE)).expanduser()
        above = next((p for p in (directory, *directory.parents) if p.exists()), directory)
        if not directory.is_absolute():
            problem = "is no absolute path, and would be another one in another directory"
        elif not above.is_dir():
            problem = "is no directory" if above == directory else f"{above} is no directory"
        elif not os.access(above, os.W_OK | os.X_OK):
            problem = "cannot be written" if above == directory else f"{above} cannot be written"
    except InvalidValue as error:
        problem = f"has {error.problem}"
    except RuntimeError:
        problem = "is below a home that nobody has"
    except OSError as error:
        problem = f"cannot be looked at ({error.strerror})"
    if problem:
        raise FacilityError(
            f"{STATE_VARIABLE}={terminal_text(text)}: {problem}: name a directory on a local disk "
            "that is yours, or unset it"
        )
    return directory


def remember_state_directory(root: Path) -> None:
    """Note in the project where its state is, so that later commands need no variable for it."""
    usual, found = root / STATE_DIRECTORY, state_directory(root)
    if found != usual and _recorded_directory(usual) != found:
        write_private(usual / _RECORD_FILE, f"{found}\n")


def check_owner(state: Path) -> None:
    """Say whose facility it is, where it is not that of who asks.

    Raises:
        FacilityError: the directory belongs to another account.
    """
    try:
        owner = state.stat().st_uid
    except OSError:
        return
    me = os.geteuid()
    if me in (0, owner):
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"the account {owner}"
    raise FacilityError(
        f"{state}: this project's facility is {name}'s, and works for {name} alone: ask {name} to "
        "do it, or copy the project (without .headrace) to a directory of your own and work there"
    )


def _recorded_directory(usual: Path) -> Path | None:
    try:
        return Path((usual / _RECORD_FILE).read_text().rstrip("\n"))
    except OSError:
        return None


def endpoint_state_directory(root: Path, endpoint_id: str) -> Path:
    """Return where an endpoint that the facility hosts keeps its state.

    Args:
        root: the project's root.
        endpoint_id: the endpoint.
    """
    return state_directory(root) / "endpoints" / endpoint_id


@dataclass(frozen=True)
class CollectionSettings:
    """A named directory that Transfer actions may read and write.

    Attributes:
        id: the collection's id.
        name: the collection's name.
        root: absolute path of the directory.
    """

    id: str
    name: str
    root: str


@dataclass(frozen=True)
class EndpointSettings:
    """A Compute endpoint that the facility hosts.

    Attributes:
        id: the endpoint's id.
        name: the endpoint's name.
        template: absolute path of its folder of ``endpoint_configs``.
        options: values for the template.
    """

    id: str
    name: str
    template: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProviderSettings:
    """An action provider elsewhere that flows of this facility may call.

    Attributes:
        url: what the URLs that flows name must begin with.
        token_file: file with the bearer token for it, readable by its owner only; none where
            empty.
    """

    url: str
    token_file: str = ""


@dataclass(frozen=True)
class SettingsSource:
    """Source of settings, which makes them again after it has changed.

    Attributes:
        file: what they were made from.
        signature: time, size and inode of the file then.
        command: a program that writes them anew, with its arguments.
        environment: variables that count besides the facility's own.
    """

    file: str
    signature: tuple[int, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """All that a facility serves.

    Attributes:
        collections: collections, in the order of the project's file.
        endpoints: endpoints, likewise.
        action_providers: action providers elsewhere.
        source: where they come from, where that is known.
    """

    collections: tuple[CollectionSettings, ...] = ()
    endpoints: tuple[EndpointSettings, ...] = ()
    action_providers: tuple[ProviderSettings, ...] = ()
    source: SettingsSource | None = None

    def collection(self, collection_id: str) -> CollectionSettings | None:
        """Return the collection with this id."""
        return next((c for c in self.collections if c.id == collection_id), None)

    def endpoint(self, endpoint_id: str) -> EndpointSettings | None:
        """Return the endpoint with this id."""
        return next((e for e in self.endpoints if e.id == endpoint_id), None)


def write_settings(root: Path, settings: Settings) -> None:
    """Store what the facility of the project at ``root`` serves, where it differs."""
    path = settings_path(root)
    text = json.dumps(asdict(settings), indent=1, sort_keys=True)
    if not path.exists() or path.read_text() != text:
        write_private(path, text)


def read_settings(root: Path) -> Settings:
    """Return what the facility of the project at ``root`` serves, or served last.

    Raises:
        FacilityError: the file is not readable as settings.
    """
    return SettingsFile(root).last_written()


def settings_path(root: Path) -> Path:
    """Return the file that holds the settings."""
    return state_directory(root) / "settings.json"


class SettingsFile:
    """The settings of one project, read again when the file has changed.

    What the file was made from is looked at too: a change there is taken up at the next use.
    """

    def __init__(self, root: Path) -> None:
        self._path = settings_path(root)
        self._lock = threading.Lock()
        self._signature: tuple[int, ...] = ()
        self._settings = Settings()
        self._tried_signature: tuple[int, ...] = ()
        self.problem = ""

    def current(self) -> Settings:
        """Return the settings as they stand now.

        Raises:
            FacilityError: the file is not readable as settings.
        """
        with self._lock:
            settings = self._read()
            if self._is_outdated(settings.source) and self._regenerate(settings.source):
                settings = self._read()
            return settings

    def last_written(self) -> Settings:
        """Return the settings as they were written last, whatever has changed since.

        Raises:
            FacilityError: the file is not readable as settings.
        """
        with self._lock:
            return self._read()

    def _read(self) -> Settings:
        seen = file_signature(self._path)
        if not seen:
            return Settings()
        if seen != self._signature:
            self._settings = _parse(self._path)
            self._signature = seen
        return self._settings

    def _is_outdated(self, source: SettingsSource | None) -> TypeGuard[SettingsSource]:
        if source is None:
            return False
        found = file_signature(Path(source.file))
        if found == source.signature:
            self.problem = ""
        # A file that is away for a moment, while an editor replaces it, says nothing.
        return bool(found) and found not in (source.signature, self._tried_signature)

    def _regenerate(self, source: SettingsSource) -> bool:
        import subprocess

        self._tried_signature = file_signature(Path(source.file))
        try:
            done = subprocess.run(
                source.command,
                env={**os.environ, **source.environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_REFRESH_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self.problem = f"{source.file} has changed, and cannot be read: {error}"
            self._tried_signature = ()
        else:
            said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            self.problem = "" if done.returncode == 0 else f"not taken up: {said}"
        if self.problem:
            logger.warning("%s", self.problem)
        return not self.problem


def _parse(path: Path) -> Settings:
    try:
        document = json.loads(path.read_text())
        source = document.get("source")
        return Settings(
            tuple(CollectionSettings(**item) for item in document["collections"]),
            tuple(EndpointSettings(**item) for item in document["endpoints"]),
            tuple(ProviderSettings(**item) for item in document.get("action_providers", [])),
            source and _source(source),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FacilityError(
            f"{path}: not the facility's settings ({error}); "
            "remove the file and run `headrace facility up` again"
        ) from error


def _source(item: Mapping[str, Any]) -> SettingsSource:
    return SettingsSource(
        item["file"], tuple(item["signature"]), tuple(item["command"]), dict(item["environment"])
    )
