"""Small results: whole or not at all, whoever writes beside us and however it ends."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3

import pytest

from spikelearn import SpikelearnError
from spikelearn._small_results import SmallResults
from spikelearn._store import StoredResultWarning


def test_what_was_added_is_found_also_by_the_next_process(tmp_path):
    value = {"a": [1.5, float("inf"), 0.1 + 0.2], "text": "ü", "n": 3}
    with SmallResults(tmp_path / "deep" / "r.sqlite") as results:
        assert results.find("x") is None
        results.add("x", value)
        results.add("y", 1)
        results.add("y", 2)
        assert results.find("x") == value
        assert results.find("y") == 2
        assert len(results) == 2
    with SmallResults(tmp_path / "deep" / "r.sqlite") as results:
        assert results.find("x") == value
        results.remove(["x", "z"])
        assert results.find("x") is None
        assert results.find("y") == 2


def test_what_is_told_for_here_alone_stays_out_of_the_file(tmp_path):
    with SmallResults(tmp_path / "r.sqlite") as results:
        results.add("x", 1)
        results.add_here("x", 2)
        assert results.find("x") == 2
    with SmallResults(tmp_path / "r.sqlite") as results:
        assert results.find("x") == 1


def _add_many(path, first, gate):
    with SmallResults(path) as results:
        gate.wait()
        for i in range(200):
            results.add(f"{first}-{i}", i)
            if not i % 20:
                results.write()


def test_several_processes_write_one_file(tmp_path):
    path = tmp_path / "r.sqlite"
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(3)
    writers = [context.Process(target=_add_many, args=(path, n, gate)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with SmallResults(path) as results:
        assert len(results) == 600
        assert all(results.find(f"{n}-{i}") == i for n in range(3) for i in range(200))


def _add_and_die(path):
    results = SmallResults(path)
    results.add("kept", 1)  # the first is written at once
    results.add("lost", 2)
    os._exit(9)


def test_a_process_that_dies_loses_only_what_waited(tmp_path):
    process = multiprocessing.get_context("fork").Process(
        target=_add_and_die, args=(tmp_path / "r.sqlite",)
    )
    process.start()
    process.join()
    with SmallResults(tmp_path / "r.sqlite") as results:
        assert results.find("kept") == 1
        assert results.find("lost") is None


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough" * 100, b"SQLite format"]
)
def test_a_damaged_file_is_set_aside(tmp_path, content):
    path = tmp_path / "r.sqlite"
    path.write_bytes(content)
    with pytest.warns(StoredResultWarning, match="set aside"):
        results = SmallResults(path)
    with results:
        results.add("x", 1)
        assert results.find("x") == 1
    assert (tmp_path / "r.sqlite.damaged").read_bytes() == content


def test_a_row_that_was_edited_is_not_taken_for_the_result(tmp_path):
    with SmallResults(tmp_path / "r.sqlite") as results:
        results.add("x", {"rate": 1.0})
    connection = sqlite3.connect(tmp_path / "r.sqlite")
    connection.execute("UPDATE results SET value = '{\"rate\": 2.0}'")
    connection.commit()
    connection.close()
    with SmallResults(tmp_path / "r.sqlite") as results:
        assert results.find("x") is None


def test_where_nothing_can_be_written_is_said_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpikelearnError, match=r"cannot write into .*file: it is no folder"):
        SmallResults(tmp_path / "file" / "r.sqlite")
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(SpikelearnError, match="cannot write"):
        SmallResults(tmp_path / "folder.sqlite")
