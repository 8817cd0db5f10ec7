"""The list of channels: what it says, and every way in which it can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headrace.datarun.events import HIT
from headrace.datarun.fit import ChannelsFileError, read_channels, read_template

GOOD = '0 2 5 100 0 99 16383 "none" "none"'


def written(directory: Path, *lines: str) -> Path:
    path = directory / "channels.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_channels_are_read_with_comments_quotes_and_none(tmp_path: Path) -> None:
    (tmp_path / "shape.txt").write_text("1\n0\n2\n1.5 1\n")
    path = written(
        tmp_path,
        "# crate slot channel ...",
        "",
        GOOD + "  # the first",
        '1 3 15 4 1 3 4000.5 "net works.pt" shape.txt',
        '0 2 6 100 10 20 300 "" none',
    )
    channels = read_channels(path)
    first, second, third = channels.channels
    assert (first.crate, first.slot, first.channel, first.samples) == (0, 2, 5, 100)
    assert (first.low, first.high, first.saturation, first.line) == (0, 99, 16383, 3)
    assert (first.model, first.template) == (None, None)
    assert second.model == "net works.pt"
    assert second.saturation == 4000.5
    assert second.template is not None
    assert second.template.align == 1
    assert second.template.samples.tolist() == [0, 2, 1.5, 1]
    assert (third.model, third.template) == (None, None)


def test_hits_are_told_by_their_channel(tmp_path: Path) -> None:
    channels = read_channels(written(tmp_path, GOOD, GOOD.replace("2 5", "2 6")))
    hits = np.zeros(4, HIT)
    hits["slot"], hits["channel"] = [2, 2, 2, 3], [6, 5, 4, 5]
    assert channels.indices(hits).tolist() == [1, 0, 2, 2]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("0 2 5 100 0 99 16383 none", "8 columns instead of 9"),
        (GOOD + " more", "10 columns instead of 9"),
        ('0 2 5 100 0 99 16383 "none" "none', "a quote is not closed"),
        ("0 2 x 100 0 99 16383 none none", "must be numbers"),
        ("0 2 5 100 0 99 high none none", "must be numbers"),
        ("0 2 16 100 0 99 16383 none none", "go from 0 to 15"),
        ("-1 2 5 100 0 99 16383 none none", "go from 0 to 15"),
        ("0 2 5 100 0 100 16383 none none", "low <= high < trace-length"),
        ("0 2 5 100 50 49 16383 none none", "low <= high < trace-length"),
        ("0 2 5 100 0 99 0 none none", "saturation value must be above 0"),
        ("0 2 5 100 0 99 nan none none", "saturation value must be above 0"),
        (GOOD, "this channel stands in line 2"),
    ],
)
def test_a_bad_line_is_told_by_its_number(tmp_path: Path, line: str, what: str) -> None:
    path = written(tmp_path, "# channels", GOOD, line)
    with pytest.raises(ChannelsFileError, match="line 3") as error:
        read_channels(path)
    assert what in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("template", "what"),
    [
        (None, "cannot be read: No such file"),
        ("1 0 2 1", "3 values for traces of 4 samples"),
        ("4 0 2 1 0", "align point 4 is outside"),
        ("-1 0 2 1 0", "align point -1 is outside"),
        ("1 0 two 1 0", "write numbers"),
        ("1 3 3 3 3", "all values are the same"),
        ("1 0 2 inf 0", "no template"),
        ("", "no template"),
    ],
)
def test_a_bad_template_is_told_by_its_file(
    tmp_path: Path, template: str | None, what: str
) -> None:
    if template is not None:
        (tmp_path / "shape.txt").write_text(template)
    path = written(tmp_path, "0 2 5 4 0 3 16383 none shape.txt")
    with pytest.raises(ChannelsFileError, match=r"shape\.txt") as error:
        read_channels(path)
    assert what in str(error.value)
    assert "\n" not in str(error.value)


def test_files_without_channels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ChannelsFileError, match="no channel is listed"):
        read_channels(written(tmp_path, "# nothing"))
    with pytest.raises(ChannelsFileError, match="cannot be read: No such file"):
        read_channels(tmp_path / "missing.txt")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ChannelsFileError, match="it is no text"):
        read_channels(binary)


def test_a_template_alone_may_have_any_length(tmp_path: Path) -> None:
    path = tmp_path / "shape.txt"
    path.write_text("1.5 0 1 2 1")
    template = read_template(path)
    assert template.align == 1.5
    assert len(template.samples) == 4
