"""The observer goes along into threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import torch

from spikelearn.plausibility.instruments.observer import OperationObserver


def seen(observer: OperationObserver, run: object) -> int:
    """How many operations are observed while something runs."""
    with observer:
        run()  # type: ignore[operator]
    return observer.n_operations


def in_a_thread() -> None:
    """Two operations next door."""
    thread = threading.Thread(target=lambda: torch.ones(2).add_(1))
    thread.start()
    thread.join()


def test_a_thread_that_is_started_meanwhile_is_observed() -> None:
    assert seen(OperationObserver(), in_a_thread) == 2


def test_a_thread_of_a_thread_is_observed() -> None:
    def nested() -> None:
        thread = threading.Thread(target=in_a_thread)
        thread.start()
        thread.join()

    assert seen(OperationObserver(), nested) == 2


def test_work_for_a_pool_that_stood_before_is_observed_each_time_by_who_watches() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        for _ in range(2):
            work = lambda: pool.submit(torch.ones, 2).result()  # noqa: E731
            assert seen(OperationObserver(), work) == 1


def test_nothing_is_observed_afterwards() -> None:
    observer = OperationObserver()
    with observer:
        pass
    in_a_thread()
    assert observer.n_operations == 0
    assert threading.Thread.start.__module__ == "threading"
