"""Evaluates expressions in a process of its own, and says what they took.

It gets texts and a payload on its standard input and answers, for each text, what came of it. It
may take no more address space than some hundred megabytes over what it has at its start, so that
an attack that succeeds is seen and does no harm.
"""

from __future__ import annotations

import copy
import json
import resource
import sys
import time
import tracemalloc
from typing import Any

HEADROOM = 400 * 1024 * 1024


def attempt(text: str, payload: dict[str, Any]) -> dict[str, Any]:
    """What came of an expression: the kind of error if any, its line, and what it took."""
    from headrace.flowlang import ExpressionError, compile_expression

    error, line = None, ""
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    start = time.perf_counter()
    try:
        compile_expression(text).evaluate(payload, {"run_id": "r"})
    except ExpressionError as caught:
        error, line = type(caught).__name__, str(caught)
    except BaseException as caught:  # noqa: BLE001 - whatever else comes is what the tests look for
        error, line = f"not one of ours: {type(caught).__name__}", str(caught)
    seconds = time.perf_counter() - start
    _, peak = tracemalloc.get_traced_memory()
    return {"error": error, "line": line, "seconds": seconds, "bytes": peak - before}


def main() -> None:
    """Answers for every text of the list on standard input, with and without counting bytes."""
    from headrace.flowlang import compile_expression

    asked = json.load(sys.stdin)
    texts, payload = asked["texts"], asked["payload"]
    compile_expression("n").evaluate(payload)
    with open("/proc/self/statm") as statm:  # noqa: PTH123
        size = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + HEADROOM, size + HEADROOM))
    before = copy.deepcopy(payload)
    timed = [attempt_untraced(text, payload) for text in texts]
    tracemalloc.start()
    counted = [attempt(text, payload) for text in texts]
    for answer, seconds in zip(counted, timed, strict=True):
        answer["seconds"] = seconds
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"answers": counted, "unchanged": before == payload, "rss": rss}, sys.stdout)


def attempt_untraced(text: str, payload: dict[str, Any]) -> float:
    """How long an expression takes, seconds: counting bytes would be most of it."""
    from headrace.flowlang import ExpressionError, compile_expression

    start = time.perf_counter()
    try:
        compile_expression(text).evaluate(payload, {"run_id": "r"})
    except ExpressionError:
        return time.perf_counter() - start
    except BaseException:  # noqa: BLE001 - it is told when bytes are counted
        return time.perf_counter() - start
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
