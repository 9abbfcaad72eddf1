"""Tables of text: what parts their cells, how numbers and text are written, what names columns."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import text_tables
from spikelearn.spikes.two_columns import _is_header


def table(text: str) -> text_tables.Table:
    return text_tables.read(text, _is_header)


@pytest.mark.parametrize(
    "text",
    [
        "5.5,0\n7.25,3\n",
        "5.5;0\n7.25;3\n",
        "5,5;0\n7,25;3\n",
        "5,5\t0\n7,25\t3\n",
        "5,5 0\n7,25 3\n",
        '"5,5","0"\n"7,25","3"\n',
        "5.5 | 0\n7.25 | 3\n",
        "  5.5   0\n 7.25   3\n",
        "5.5,0,\n7.25,3,\n",
        "sep=;\n5.5;0\n7.25;3\n",
        "% theirs\n5.5 0\n7.25 3\n",
        "// theirs\n\n5.5e0 0\n.725e1 3\n",
    ],
)
def test_cells_part_where_numbers_come_out(text: str) -> None:
    found = table(text)
    assert not found.named
    np.testing.assert_array_equal(found.numbers("1"), [5.5, 7.25])
    np.testing.assert_array_equal(found.numbers("2"), [0, 3])
    assert any("decimal points" in said for said in found.notes) == ("5,5" in text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("time_ms,neuron\n5.5,0\n", ["time_ms", "neuron"]),
        (",time_ms,neuron\n0,5.5,0\n", ["time_ms", "neuron"]),
        ("time (ms);cell name\n5,5;0\n", ["time (ms)", "cell name"]),
        ("time_ms,neuron,,\n5.5,0,,\n", ["time_ms", "neuron"]),
        ("# time_ms neuron\n5.5 0\n", ["time_ms", "neuron"]),
        ("# spikes of\n# time_ms,neuron\n5.5,0\n", ["time_ms", "neuron"]),
        ("# two words\n5.5 0\n", ["1", "2"]),
        ("sender\ttime_ms\n3\t5.5\n", ["sender", "time_ms"]),
    ],
)
def test_columns_are_named_by_a_header_or_the_last_comment_above(
    text: str, names: list[str]
) -> None:
    found = table(text)
    assert list(found.columns) == names
    assert found.named == (names != ["1", "2"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_text_is_decoded_however_it_was_saved(encoding: str, tmp_path: Path) -> None:
    text = "time_ms,neuron\n5.5,é\n"
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert text_tables.decoded(tmp_path / "a.csv") == (text, [])
    with gzip.open(tmp_path / "a.csv.gz", "wb") as file:
        file.write(text.encode(encoding))
    assert text_tables.decoded(tmp_path / "a.csv.gz") == (text, [])


def test_text_that_is_no_utf_8_is_read_as_windows_wrote_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("t (µs),cell\n5500,0\n".encode("cp1252"))
    text, said = text_tables.decoded(tmp_path / "a.csv")
    assert text.startswith("t (µs)")
    assert said == ["it is no UTF-8, and is read as Windows-1252"]
    (tmp_path / "b.csv").write_bytes(bytes(range(32)))
    with pytest.raises(SpikelearnError, match="it holds no text"):
        text_tables.decoded(tmp_path / "b.csv")


def test_what_unpacks_to_more_than_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_tables, "_MOST_BYTES", 2**20)
    with gzip.open(tmp_path / "a.csv.gz", "wb") as file:
        file.write(b"0" * 2**21)
    with pytest.raises(SpikelearnError, match="unpacks to more than 1 MiB"):
        text_tables.decoded(tmp_path / "a.csv.gz")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no line of a spike"),
        ("# only\n", "no line of a spike"),
        ("a,b\n1,2\n3\n", "line 3 has 1 cells where others have 2, found 3"),
        ("a,b,a\n1,2,3\n", "two of its columns are called 'a'"),
    ],
)
def test_a_table_that_is_none_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        table(text)


def test_a_cell_that_is_no_number_is_named_by_its_line() -> None:
    found = table("# spikes\ntime_ms,neuron\n5.5,0\n1_000,3\n")
    with pytest.raises(SpikelearnError, match="line 4 has no number in the column 'time_ms', fou"):
        found.numbers("time_ms")
    assert not text_tables.is_number("1.234,5")
    assert text_tables.number("-,5") == -0.5
