"""Groups add up what each of them gives, and nobody waits for one that is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from spikelearn.training import rank_groups
from spikelearn.training.rank_groups import LostRank, Processes, in_threads
from spikelearn.training.ranks import Group


def test_threads_add_up_in_every_round_and_are_told_apart_by_rank() -> None:
    def work(group: Group) -> list[float]:
        found = []
        for i in range(50):
            given = torch.tensor([10.0**group.rank * i])
            group.add_up(given)
            found.append(float(given))
        return found

    assert in_threads(3, work) == [[111.0 * i for i in range(50)]] * 3


def test_a_thread_that_fails_is_what_is_raised_and_the_others_do_not_wait() -> None:
    def work(group: Group) -> None:
        if group.rank == 1:
            raise ZeroDivisionError
        group.add_up(torch.ones(1))

    with pytest.raises(ZeroDivisionError):
        in_threads(3, work)


def test_a_thread_that_adds_up_once_more_than_the_others_is_left_alone() -> None:
    def work(group: Group) -> None:
        for _ in range(1 + group.rank):
            group.add_up(torch.ones(1))

    with pytest.raises(LostRank):
        in_threads(2, work)


def test_processes_add_up(tmp_path: Path) -> None:
    # The two ends lie in one process here; they speak by sockets as those of two do.
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda rank: Processes(tmp_path / "meeting", rank, 2), range(2))
        given = [torch.tensor([1.5, 2.0]), torch.tensor([0.25, -2.0])]
        list(pool.map(lambda end, tensor: end.add_up(tensor), (one, other), given))
    assert [tensor.tolist() for tensor in given] == [[1.75, 0.0]] * 2


def test_whoever_waits_is_asked_in_every_second_whether_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rank_groups, "_ONE_SECOND", timedelta(milliseconds=2))
    seconds: list[int] = []

    def no_longer(waited: int) -> None:
        seconds.append(waited)
        if waited == 2:
            raise LostRank("long enough")

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(
            lambda rank: Processes(tmp_path / "meeting", rank, 2, None if rank else no_longer),
            range(2),
        )
    with pytest.raises(LostRank, match="long enough"):
        one.add_up(torch.ones(1))
    assert seconds == [1, 2]
    other.add_up(torch.ones(1))  # what was begun comes to its end
