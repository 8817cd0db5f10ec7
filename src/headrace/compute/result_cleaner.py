"""Remove results of stages that were not used for long, where they are stored.

:func:`headrace_results` is registered as it stands here, and runs at endpoints under any Python: it
uses the standard library alone.
"""

from __future__ import annotations

import inspect

from .wire_text import source_code

NAME = "headrace_results"


def headrace_results(root: str, path: str, seconds: float, remove: bool) -> dict[str, object]:
    """Return what a store of results holds that was not used for long; remove it.

    Nothing is touched but what the store makes: entries by their keys, what was set aside, and what
    a killed process left. A link is not followed.

    Args:
        root: the root of its collection, an absolute path.
        path: the store's path below the root.
        seconds: for which an entry was not used.
        remove: whether they are removed.

    Returns:
        ``path``, absolute; ``results`` (how many) and ``bytes`` of what is older; ``problem`` (why
        it, or a part of it, is not removed) and ``removed``.
    """
    import os
    import re
    import shutil
    import stat
    import tempfile
    import time
    from pathlib import Path

    inner = path.strip("/")
    store = Path(root) / inner
    answer: dict[str, object] = {
        "path": str(store),
        "results": 0,
        "bytes": 0,
        "problem": "",
        "removed": False,
    }
    if ".." in store.parts or not inner:
        return {**answer, "problem": "it is not below the root of its collection"}
    if store.resolve() != Path(root).resolve() / inner:
        return {**answer, "problem": "its path holds a symbolic link"}
    if not store.is_dir():
        return answer

    def children(place: Path, pattern: str) -> list[Path]:
        if not place.is_dir() or place.is_symlink():
            return []
        return sorted(child for child in place.iterdir() if re.fullmatch(pattern, child.name))

    def last_use(place: Path) -> float:
        seen = place.lstat()
        if not stat.S_ISDIR(seen.st_mode):
            return time.time()
        try:
            return (place / "entry.json").lstat().st_mtime
        except FileNotFoundError:
            return seen.st_mtime

    def size(place: Path) -> int:
        files = [Path(top) / name for top, _, found in os.walk(place) for name in found]
        return sum(file.lstat().st_blocks * 512 for file in files)

    places = children(store, r"\.(partial|removed)-\w+")
    places += children(store / "damaged", r"[0-9a-f]{64}-\w+")
    for folder in children(store, "[0-9a-f]{2}"):
        places += children(folder, folder.name + "[0-9a-f]{62}")
    limit = time.time() - seconds
    # Something that is being made is no leftover yet, however little is kept.
    fresh = time.time() - 86400.0
    count = total = 0
    for place in places:
        try:
            if last_use(place) > (min(limit, fresh) if place.parent == store else limit):
                continue
            used = size(place)
            if remove:
                # At once out of the sight of a stage that may want it.
                aside = Path(tempfile.mkdtemp(prefix=".removed-", dir=store))
                place.rename(aside / "entry")
                shutil.rmtree(aside)
            count, total = count + 1, total + used
        except FileNotFoundError:
            continue  # another process has removed it
        except OSError as error:
            answer["problem"] = f"{error.filename or place}: {error.strerror}"
    removed = remove and not answer["problem"]
    return {**answer, "results": count, "bytes": total, "removed": removed}


def result_cleaner_code() -> str:
    """Return the function as the text that is registered."""
    return source_code(NAME, inspect.getsource(headrace_results))
