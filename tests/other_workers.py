"""Workers that are other processes in all but that they are: for tests of what is sent to them."""

from __future__ import annotations

import contextlib
from typing import Any

import cloudpickle
import numpy as np
import pytest

from spikelearn import _work_in_folder
from spikelearn._threads import at_most


class OtherWorkers:
    """Take the place of `outcomes`: all is sent by pickle, and done in an order of their own.

    Parameters
    ----------
    patch : pytest.MonkeyPatch
    order : int
        Seed of the order.
    see : bool
        Whether they see the folder of the process that sends them work.

    Attributes
    ----------
    tasks : list
        What was sent.
    """

    def __init__(self, patch: pytest.MonkeyPatch, order: int = 0, see: bool = True) -> None:
        self.order, self.tasks = np.random.default_rng(order), []
        patch.setattr(_work_in_folder, "outcomes", self)
        if not see:
            patch.setattr(_work_in_folder, "elsewhere", lambda workers: True)
            nowhere = lambda *_: contextlib.nullcontext("no such file")  # noqa: E731
            patch.setattr(_work_in_folder, "seen", nowhere)

    def __call__(self, function: Any, tasks: Any, workers: Any, *others: Any, **more: Any) -> Any:
        given = list(tasks)
        self.tasks += given
        for place in self.order.permutation(len(given)):
            task = given[place]
            with at_most(workers.threads):
                found = cloudpickle.loads(cloudpickle.dumps(function))(
                    cloudpickle.loads(cloudpickle.dumps(task))
                )
            yield task, cloudpickle.loads(cloudpickle.dumps(found))
