"""List of the channels to fit, with their options: a text file of one line a channel.

::

    # crate slot channel trace-length low high saturation "model" "template"
    0 2 0 250 0 249 16383 "none" "none"
    0 2 5 250 10 240 16383 "none" "clover.template"

``low`` and ``high`` are the first and the last sample of the fit; samples at or above the
saturation value are left out. A template is a text file: the sample that stands at a pulse's
position, then as many values as a trace has samples. Its path counts from the file that names
it. The ``model`` belongs to programs that fit by a trained network; it is read and not used.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.errors import DataRunError

_COLUMNS = 'crate slot channel trace-length low high saturation "model" "template"'
_NONE = ("", "none")
_CRATES, _SLOTS, _CHANNELS = 16, 16, 16


class ChannelsFileError(DataRunError):
    """A list of channels, or a template, that cannot be understood."""


@dataclass(frozen=True)
class Template:
    """The shape of a channel's pulse.

    Attributes:
        align: the sample that stands at a pulse's position.
        samples: the shape.
    """

    align: float
    samples: NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """Fit options of one channel.

    Attributes:
        crate: of the module.
        slot: of the module.
        channel: of the module, 0 to 15.
        samples: length of its traces.
        low: first sample of the fit.
        high: last sample of the fit.
        saturation: samples from this value on are left out.
        model: path of a trained network, as written; None for none.
        template: its pulse; None for none.
        line: where it stands in the file.
    """

    crate: int
    slot: int
    channel: int
    samples: int
    low: int
    high: int
    saturation: float
    model: str | None = None
    template: Template | None = None
    line: int = 0


@dataclass(frozen=True)
class Channels:
    """The channels that are fitted.

    Attributes:
        path: the file.
        channels: in the order of the file.
    """

    path: Path
    channels: tuple[Channel, ...]
    _lookup: NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lookup = np.full((_CRATES, _SLOTS, _CHANNELS), len(self.channels), np.int64)
        for number, channel in enumerate(self.channels):
            lookup[channel.crate, channel.slot, channel.channel] = number
        object.__setattr__(self, "_lookup", lookup)

    def indices(self, hits: NDArray[np.void]) -> NDArray[np.int64]:
        """Return which of the channels each hit is of.

        Args:
            hits: `HIT` records.

        Returns:
            Indices into ``channels``, as many as hits; their number for a hit of no channel.
        """
        return np.asarray(self._lookup[hits["crate"], hits["slot"], hits["channel"]])


def read_channels(path: Path) -> Channels:
    """Read a list of channels, and the templates that it names.

    Args:
        path: the file.

    Returns:
        The channels.

    Raises:
        ChannelsFileError: it cannot be read, or a line of it cannot be understood.
    """
    found: list[Channel] = []
    lines: dict[tuple[int, int, int], int] = {}
    for number, text in _lines(path):
        channel = _channel(path, number, text)
        place = (channel.crate, channel.slot, channel.channel)
        if place in lines:
            raise _line_error(
                path, number, text, f"this channel stands in line {lines[place]}; keep one of them"
            )
        lines[place] = number
        found.append(channel)
    if not found:
        raise ChannelsFileError(f"{path}: no channel is listed; a line is {_COLUMNS}")
    return Channels(path, tuple(found))


def read_template(path: Path, samples: int | None = None) -> Template:
    """Read a template.

    Args:
        path: a text file: the align point, then the values.
        samples: how many values there must be; None takes any number.

    Returns:
        The template.

    Raises:
        ChannelsFileError: it cannot be read, or has another number of values, or is no pulse.
    """
    values: list[float] = []
    for number, text in _lines(path):
        try:
            values += [float(word) for word in text.split()]
        except ValueError:
            raise _line_error(path, number, text, "write numbers") from None
    if len(values) < 3 or not np.all(np.isfinite(values)):
        raise ChannelsFileError(f"{path}: no template; write the align point, then the values")
    align, shape = values[0], np.array(values[1:])
    if samples is not None and len(shape) != samples:
        raise ChannelsFileError(
            f"{path}: {len(shape)} values for traces of {samples} samples; write one for each"
        )
    if not 0 <= align < len(shape):
        raise ChannelsFileError(
            f"{path}: its align point {align:g} is outside of its {len(shape)} values"
        )
    if np.all(shape == shape[0]):
        raise ChannelsFileError(f"{path}: all values are the same; a template needs a pulse")
    return Template(align, shape)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with something in them, by number, without comments."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ChannelsFileError(f"{path}: cannot be read: {reason}; check the path") from error
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if content:
            yield number, content


def _line_error(path: Path, number: int, text: str, advice: str) -> ChannelsFileError:
    return ChannelsFileError(f"{path}, line {number}: {text[:80]!r}: {advice}")


def _channel(path: Path, number: int, text: str) -> Channel:
    try:
        words = shlex.split(text)
    except ValueError:
        raise _line_error(path, number, text, "a quote is not closed") from None
    if len(words) != 9:
        raise _line_error(
            path, number, text, f"{len(words)} columns instead of 9; a line is {_COLUMNS}"
        )
    try:
        crate, slot, channel, samples, low, high = (int(word) for word in words[:6])
        saturation = float(words[6])
    except ValueError:
        raise _line_error(path, number, text, "the first seven columns must be numbers") from None
    if not (0 <= crate < _CRATES and 0 <= slot < _SLOTS and 0 <= channel < _CHANNELS):
        raise _line_error(path, number, text, "crate, slot and channel go from 0 to 15")
    if not 0 <= low <= high < samples:
        raise _line_error(path, number, text, "0 <= low <= high < trace-length must hold")
    if not (saturation > 0 and math.isfinite(saturation)):
        raise _line_error(path, number, text, "the saturation value must be above 0")
    model = None if words[7] in _NONE else words[7]
    template = None
    if words[8] not in _NONE:
        template = read_template(path.parent / words[8], samples)
    return Channel(crate, slot, channel, samples, low, high, saturation, model, template, number)
