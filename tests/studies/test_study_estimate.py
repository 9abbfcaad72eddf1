"""What a study will take is said before it starts, and is of what is not there."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace
from typing import Any

import pytest

from spikelearn._room import NoRoomError
from spikelearn.studies import study_estimate as estimates
from spikelearn.studies.network_entry import NetworkEntry
from spikelearn.studies.study_estimate import StudyEstimate, require_room, study_estimate
from spikelearn.studies.study_run import plan_study, run_study
from spikelearn.training.expected_costs import Costs

pytestmark = pytest.mark.usefixtures("recording")


@pytest.fixture
def costs(monkeypatch) -> list[Any]:
    """Every network takes a minute and a megabyte; which were asked for."""
    asked: list[Any] = []

    def told(config: Any) -> Costs:
        asked.append(config)
        if config.rule == "forward_forward":
            raise ZeroDivisionError
        return Costs(60.0, 1e6)

    monkeypatch.setattr(estimates, "expected_costs", told)
    return asked


def test_networks_of_other_seeds_take_as_long_and_are_sampled_once(
    small_study, tmp_path, costs
) -> None:
    (said,) = plan_study(small_study, tmp_path)
    assert said == (
        "4 networks; training 4 takes about 4 minutes of one process, by a sample of their updates"
        " (controls, comparisons and tests come on top); about 4 MB of disk"
    )
    assert len(costs) == 2
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_counted_and_again_counts_it(small_study, done, costs) -> None:
    (said,) = plan_study(small_study, done.folder)
    assert said.startswith("4 networks, all of them trained and compared already")
    assert not costs
    (said,) = plan_study(small_study, done.folder, again=True)
    assert said.startswith("4 networks; training 4 takes about 4 minutes")
    more = small_study.model_copy(update={"seeds": (0, 1, 2)})
    (said,) = plan_study(more, done.folder)
    assert said.startswith("6 networks, of which 4 are trained already; training 2 takes about 2 m")


def test_a_network_that_cannot_be_sampled_is_said_and_leaves_the_others(
    small_study, tmp_path, costs
) -> None:
    wrong = NetworkEntry(family="f", rule="forward_forward", model="mlp_64", dataset="digits")
    networks = (small_study.networks[0], wrong)
    (said,) = plan_study(small_study.model_copy(update={"networks": networks}), tmp_path)
    assert "takes about 2 minutes" in said
    assert "and 2 of them that it cannot be told of" in said


def test_it_is_said_before_anything_is_trained(small_study, tmp_path, costs, monkeypatch) -> None:
    said: list[str] = []
    ticks = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
    result = run_study(small_study, tmp_path, limit_minutes=0, tell=said.append)
    assert result.n_done == 0
    assert "training 4 takes about 4 minutes" in said[-1]


def test_a_disk_that_does_not_hold_it_is_told_before(small_study, tmp_path, monkeypatch) -> None:
    usage = SimpleNamespace(free=2e6)
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage)
    require_room(StudyEstimate(3, 3, 3, 1.0, 1e6), tmp_path)
    with pytest.raises(NoRoomError, match="the study would need about 9 MB on the disk of"):
        require_room(StudyEstimate(3, 3, 3, 1.0, 9e6), tmp_path)


def test_pieces_to_compare_only_take_no_training(costs) -> None:
    piece = SimpleNamespace(trained=True, complete=False, recordings={"r": 0},
                            study=SimpleNamespace(methods=("rsa",)))  # fmt: skip
    estimate = study_estimate([piece, piece])  # type: ignore[list-item]
    assert estimate.sentence() == (
        "2 networks, of which 2 are trained already; 2 to control and compare; about 50 kB of disk"
    )
