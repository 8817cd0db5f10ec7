"""What the providers share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# Called with an action's id, its final status and its details.
Finish = Callable[[str, str, Mapping[str, Any] | str], None]
