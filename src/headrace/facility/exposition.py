"""Prometheus's text format, version 0.0.4.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/. Every value is read when it is
asked for, so that a client library, which holds values, would have nothing to do here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Metric:
    """A metric with its samples.

    Attributes:
        name: its name; of a counter it ends with ``_total``.
        kind: its type.
        description: one sentence.
        samples: labels and value of each sample.
    """

    name: str
    kind: Literal["counter", "gauge"]
    description: str
    samples: Sequence[tuple[Mapping[str, str], float]] = field(default_factory=tuple)


def metric_text(metrics: Iterable[Metric]) -> str:
    """Return metrics in the text format.

    Raises:
        ValueError: a name is none of a metric or label.
    """
    lines = []
    for metric in metrics:
        if not _NAME.fullmatch(metric.name):
            raise ValueError(f"{metric.name!r} is no name of a metric")
        lines.append(f"# HELP {metric.name} {_escaped_help(metric.description)}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        lines += [f"{metric.name}{_labels(labels)} {_value(v)}" for labels, v in metric.samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    if wrong := [name for name in labels if not _LABEL.fullmatch(name)]:
        raise ValueError(f"{wrong[0]!r} is no name of a label")
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}"


def _escaped(value: str) -> str:
    # What UTF-8 cannot say would spoil the whole answer.
    text = value.encode("utf-8", "replace").decode()
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _value(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(value)
