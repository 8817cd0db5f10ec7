"""Configuration of an endpoint, so that a change is noticed."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headrace._internal.file_signature import file_signature

from .errors import ComputeError
from .models import EndpointSpec
from .templates import CONFIG_FILE, ENVIRONMENT_FILE, SCHEMA_FILE, TEMPLATE_FILE

_FILES = (CONFIG_FILE, ENVIRONMENT_FILE, SCHEMA_FILE, TEMPLATE_FILE)
_Signature = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Configuration:
    """A template's files and the values for it, as they were at one moment.

    Attributes:
        digest: differs where anything does.
        changed: when the newest of the files was changed, ISO 8601; empty where there are none.
    """

    digest: str
    changed: str


class ConfigurationReader:
    """Reads configurations; files are read again only after they have changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[Path, tuple[_Signature, str]] = {}

    def read(self, spec: EndpointSpec) -> Configuration:
        """Return an endpoint's configuration as it stands on disk.

        Raises:
            ComputeError: a file of the template cannot be read.
        """
        signature = tuple(file_signature(spec.template / name) for name in _FILES)
        with self._lock:
            known = self._files.get(spec.template)
            if known is None or known[0] != signature:
                known = (signature, _files_digest(spec.template))
                self._files[spec.template] = known
        values = [str(spec.template), known[1], dict(spec.options)]
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
        newest = max((one[0] for one in signature if one), default=None)
        changed = "" if newest is None else datetime.fromtimestamp(newest / 1e9, UTC).isoformat()
        return Configuration(digest.hexdigest()[:12], changed)


def _files_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in _FILES:
        try:
            content = (folder / name).read_bytes()
        except FileNotFoundError:
            content = b"-"
        except OSError as error:
            raise ComputeError(f"{folder / name}: cannot be read: {error.strerror}") from error
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()
