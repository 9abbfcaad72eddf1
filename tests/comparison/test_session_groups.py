"""Sessions that showed stimuli of their own, nested in their subjects."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from rsa_examples import response

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import compare_by, difference_table, zero_table
from spikelearn.comparison.intervals import sampled
from spikelearn.comparison.observed import smallest_part
from spikelearn.comparison.power import power_table
from spikelearn.comparison.session_groups import nested, session_groups

SIZES = (30, 24, 36)  # stimuli of three sessions: two of animal A, one of B
ANIMALS = ("A", "A", "B")


def nested_recording(seed: int = 0, n_repeats: int = 3) -> tuple[SimpleNamespace, np.ndarray]:
    """Other neurons and other stimuli in each session, and the features that drive them."""
    random = np.random.default_rng(seed)
    n, start, responses = sum(SIZES), 0, []
    features = random.normal(size=(n, 6))
    for number, (animal, size) in enumerate(zip(ANIMALS, SIZES, strict=True)):
        values = np.full((n, n_repeats, 9), np.nan)
        own = features[start : start + size] @ random.normal(size=(6, 9))
        noise = random.normal(size=(size, n_repeats, 9))
        values[start : start + size] = own[:, None] + (1 + number) * noise
        one = {"subject": animal, "region": "V4", "session": f"day {number}", "values": values}
        responses.append(SimpleNamespace(**one, unit_names=(), numbered=True))
        start += size
    labels = tuple(f"s{i:03d}" for i in range(n))
    recording = SimpleNamespace(name="nested", labels=labels, responses=tuple(responses))
    return recording, features


def session_alone(recording: SimpleNamespace, number: int) -> SimpleNamespace:
    rows = np.arange(sum(SIZES[:number]), sum(SIZES[: number + 1]))
    one = recording.responses[number]
    its = SimpleNamespace(**{**vars(one), "values": one.values[rows]})
    return SimpleNamespace(
        name="alone", labels=tuple(recording.labels[i] for i in rows), responses=(its,)
    )


def models(features: np.ndarray, labels: tuple[str, ...]) -> dict[str, object]:
    random = np.random.default_rng(5)
    noisy = features + 0.5 * random.normal(size=features.shape)
    made = {"right": noisy, "wrong": random.normal(size=(len(features), 5))}
    return {name: response(x).assign_coords(stimulus=list(labels)) for name, x in made.items()}


@pytest.mark.parametrize("method", ["cka", "encoding"])
def test_a_subject_scores_the_mean_of_its_sessions_and_the_mean_is_over_subjects(method) -> None:
    recording, features = nested_recording()
    given = models(features, recording.labels)
    table = compare_by(method, given, recording, 0)
    right = table[table.model == "right"].set_index(["level", "subject"])
    if method == "cka":  # which draws no folds: each session is what it is alone
        alone = []
        for number in range(3):
            part = session_alone(recording, number)
            its = {k: r.sel(stimulus=list(part.labels)) for k, r in given.items()}
            one = compare_by(method, its, part, 0)
            alone.append(float(one[(one.model == "right") & (one.level == "mean")].score.item()))
        assert right.score["subject", "A"] == pytest.approx((alone[0] + alone[1]) / 2)
        assert right.score["subject", "B"] == pytest.approx(alone[2])
    of_animals = right.score["subject", "A"], right.score["subject", "B"]
    assert right.score["mean", ""] == pytest.approx(np.mean(of_animals))
    assert right.n_units["subject", "A"] == 18
    assert (table.n_stimuli == sum(SIZES)).all()
    assert table.flag.str.contains("scored within each of 3 sets of stimuli").all()
    assert table.flag.str.contains("no lower ceiling: other stimuli in each subject").all()
    # Repeats give a ceiling, and the right model is below it.
    assert 0 < right.score["mean", ""] < right.ceiling_upper["mean", ""] < 1


def test_other_stimuli_move_the_sessions_independently_so_that_variances_add() -> None:
    recording, features = nested_recording()
    given = models(features, recording.labels)
    table = compare_by("cka", given, recording, 50)
    mean = table[(table.model == "right") & (table.level == "mean")].iloc[0]
    errors = []
    for number in range(3):
        part = session_alone(recording, number)
        its = {"right": given["right"].sel(stimulus=list(part.labels))}
        row = compare_by("cka", its, part, 50).query("level == 'mean'").iloc[0]
        half = np.arctanh(row.ci_upper) - np.arctanh(row.ci_lower)
        errors.append(half * (1 - row.score**2))
    together = (np.arctanh(mean.ci_upper) - np.arctanh(mean.ci_lower)) * (1 - mean.score**2)
    weights = np.array([0.25, 0.25, 0.5])
    # Student's t is a little narrower with the degrees of freedom of all.
    assert together == pytest.approx(np.sqrt(((weights * errors) ** 2).sum()), rel=0.03)


def test_subjects_are_animals_and_not_sessions() -> None:
    recording, features = nested_recording()
    given = models(features, recording.labels)
    table = difference_table(given, recording, n_bootstrap=20, method="cka", over="subjects")
    mean = table[table.level == "mean"].iloc[0]
    by_animal = table[table.level == "subject"].difference.to_numpy()
    assert len(by_animal) == 2
    none = np.zeros((2, 0))
    expected = sampled(by_animal, none, 9, "subjects", 0, limit=2.0)
    assert (mean.ci_lower, mean.ci_upper) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("method", ["cka", "encoding"])
def test_relabelling_within_sessions_finds_the_model_that_is_related(method) -> None:
    recording, features = nested_recording()
    given = models(features, recording.labels)
    table = zero_table(given, recording, 59, method=method).query("level == 'mean'")
    p = table.set_index("model").p
    assert p["right"] == pytest.approx(1 / 60)
    assert p["wrong"] > 0.05


def test_sessions_of_the_same_stimuli_stay_together() -> None:
    recording, _ = nested_recording()
    first = recording.responses[0]
    again = SimpleNamespace(**{**vars(first), "subject": "C"})
    both = SimpleNamespace(**{**vars(recording), "responses": (*recording.responses, again)})
    groups = session_groups(both, "cka")
    assert [[one.subject for one in group.ones] for group in groups] == [["A", "C"], ["A"], ["B"]]
    assert [len(group.rows) for group in groups] == list(SIZES)
    assert len(smallest_part(both, "cka").labels) == min(SIZES)


def test_one_group_is_scored_as_it_is() -> None:
    recording, _ = nested_recording()
    (group,) = session_groups(session_alone(recording, 0), "cka")
    scored = SimpleNamespace(scores=np.ones(1))
    assert nested([group], [scored]) is scored


def test_sessions_of_too_few_stimuli_are_refused_as_before() -> None:
    recording, features = nested_recording()
    recording.responses[1].values[31:54] = np.nan
    with pytest.raises(SpikelearnError, match="were observed in all subjects, and at least 4"):
        compare_by("cka", models(features, recording.labels), recording, 0)


def test_power_of_sessions_with_stimuli_of_their_own_is_said_not_to_be_known() -> None:
    recording, _ = nested_recording()
    whole = SimpleNamespace(**vars(recording), rdms=(), n_stimuli=sum(SIZES))
    row = power_table(whole, "cka", n_studies=2).iloc[0]
    assert (row.region, row.n_subjects) == ("V4", 2)
    assert np.isnan(row.smallest_difference)
    assert row.flag == "sessions have stimuli of their own: not simulated"
