"""Places in the repository that tests read or run."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src"
SUPPORT = REPOSITORY / "tests" / "support"
EARLIER_STORES = REPOSITORY / "tests" / "facility" / "store" / "earlier_versions"
