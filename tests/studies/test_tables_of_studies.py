"""Every table of any study has a key: no row twice, none lost, no score beside another's test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray
from small_recording import NETWORK, small_recording

from spikelearn.comparison.tables import checked, key_of, read_first, stacked
from spikelearn.recordings import RecordedRDM, RecordedResponses
from spikelearn.report.similarity import layers, significance, similarity
from spikelearn.report.similarity_figures import accuracy_figure, similarity_figure
from spikelearn.report.similarity_tables import best_layers, layer_cells, panels, summary
from spikelearn.studies import comparing
from spikelearn.studies.comparing import Entry, similarity_of_all
from spikelearn.studies.significance import significance as made_tests
from spikelearn.studies.study import Study
from spikelearn.studies.study_audit import measured
from spikelearn.studies.study_run import run_study
from spikelearn.studies.study_tests import study_significance
from spikelearn.studies.tested_models import TestedModels
from spikelearn.studies.whole_study import WholeStudy, write_study

N = 20


def recording_of(random: np.random.Generator, name: str):
    """Of one to three subjects with such names, in one or two regions, with groups or without."""
    plain = small_recording(N)
    subjects = list(random.permutation(["S1", "mean", "group", ""]))[: random.integers(1, 4)]
    regions = ["IT", "V4"][: random.integers(1, 3)]
    responses = tuple(
        RecordedResponses(subject, region, session, random.normal(size=(N, 2, 7)), "spikes/s")
        for region in regions
        for subject in subjects
        for session in ["1", "2"][: random.integers(1, 3)]
    )
    pairs = N * (N - 1) // 2
    groups = {
        region: RecordedRDM("group", region, "", random.uniform(size=pairs), "1 - r")
        for region in [*regions, "monkey IT"]
        if random.uniform() < 0.5
    }
    return replace(plain, name=name, rdms=(), responses=responses, groups=groups)


def entries_of(random: np.random.Generator) -> list[Entry]:
    """Rules on networks with layers of the same names, of several seeds, with their twins."""
    labels = small_recording(N).labels
    entries = []
    sides = [None, 6][: random.integers(1, 3)]
    for network in ["a", "b"][: random.integers(1, 3)]:
        names = ["hidden", "output"][: random.integers(1, 3)]
        for rule in ["untrained", "backprop", "softhebb"][: random.integers(2, 4)]:
            for seed in range(random.integers(1, 3)):
                for side in sides:
                    shown = {
                        layer: xarray.DataArray(
                            random.normal(size=(N, 5)),
                            dims=("stimulus", "unit"),
                            coords={"stimulus": list(labels)},
                        )
                        for layer in names
                    }
                    entries.append(Entry(rule, network, seed, shown, side))
    return entries


def with_columns_of_a_study(table: pd.DataFrame) -> pd.DataFrame:
    of_image = table["network"] == ""
    trained = ~of_image & (table["model"] != "untrained")
    return table.assign(
        family=np.where(trained, "family", "baseline"),
        dataset=np.where(of_image, "", "digits"),
        test_accuracy=np.where(trained, 0.5, np.nan),
        chance=np.where(trained, 0.1, np.nan),
        weights_moved=np.nan,
        trouble="",
    )


@pytest.mark.parametrize("case", range(3))
def test_any_table_of_any_comparison_has_each_row_once_and_loses_none(case, monkeypatch) -> None:
    for number in ("PERMUTATIONS_A_MODEL", "REFITS_A_MODEL", "FEWEST_REFITS"):
        monkeypatch.setattr(f"spikelearn.studies.tested_models.{number}", 1)
    random = np.random.default_rng(case)
    recordings = [recording_of(random, name) for name in ["r", "s"][: 1 + case % 2]]
    entries = entries_of(random)
    methods = ["rsa", "cka", "procrustes", "rsa"][case:]
    scores, zero, differences = [], [], []
    for recording in recordings:
        for k, method in enumerate(methods):
            how = {"comparator": "pearson"} if k and method == "rsa" else {}
            scores.append(similarity_of_all(entries, recording, 4, method=method, **how))
            tests = made_tests(TestedModels(entries, recording, 4, method=method, **how))
            zero.append(tests.zero)
            differences.append(tests.differences)
            n_rows = sum(len(entry.responses) for entry in entries)
            ours = scores[-1][scores[-1]["network"] != ""]
            places = ours[["region", "subject", "level"]].value_counts()
            assert (places == n_rows).all()
    table, zeros, pairs = (stacked(part) for part in (scores, zero, differences))
    for one in (table, zeros, pairs, read_first(table), read_first(zeros), read_first(pairs)):
        assert not one.duplicated(key_of(one)).any()

    found = summary(with_columns_of_a_study(table), zeros)
    assert checked(found) is found
    seedless = [c for c in key_of(table) if c != "seed"]
    assert len(found) == len(read_first(table).groupby(seedless, dropna=False).size())
    best = best_layers(found)
    assert not best.duplicated([c for c in key_of(best) if c != "layer"]).any()
    assert sum(len(part) for part in panels(found)) == len(found)
    # Beside each score stands the p of its own test, by its own method.
    own = read_first(zeros).set_index([c for c in key_of(zeros) if c != "test"]).p_holm
    for part in panels(best):
        cells = layer_cells(part, (zeros, pairs))
        assert len(cells) == len(part)
        for cell, (_, row) in zip(cells["p"], part.iterrows(), strict=True):
            place = tuple(row[name] for name in own.index.names)
            said = f"{own[place]:.3f}" if place in own.index else "not tested"
            assert cell in (said, "< 0.001")


def test_an_accuracy_stands_beside_the_score_of_its_network(done) -> None:
    best = best_layers(summary(done.table))
    beside = measured(best)
    trained = best[best["family"] != "baseline"]
    assert beside["similarity, small, IT"].tolist() == pytest.approx(
        [trained[trained["model"] == rule].score.item() for rule in beside["rule"]]
    )
    twice = pd.concat([best, best])
    with pytest.raises(ValueError, match="duplicate"):
        measured(twice)


@pytest.fixture(scope="module")
def two_methods(tmp_path_factory):
    """A study by two methods, one of whose networks is the untrained one, and its tests."""
    random = np.random.default_rng(1)
    plain = small_recording(N)
    features = plain.images.reshape(N, -1)[:, :40] / 255.0
    responses = tuple(
        RecordedResponses(
            subject, "IT", "", (features @ random.normal(size=(40, 9)))[:, None], "spikes/s"
        )
        for subject in ("S0", "mean")
    )
    made = replace(plain, rdms=(), responses=responses)
    networks = [
        {"family": "backpropagation", "rule": "backprop", **NETWORK},
        {"family": "baseline", "rule": "untrained", **NETWORK},
    ]
    study = Study(
        name="two", n_train=60, recordings=("small",), n_bootstrap=20, criteria=(),
        networks=networks, methods=("rsa", "cka"), along_training=True, seed=3,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "image_recording", lambda name: made)
        result = run_study(study, tmp_path_factory.mktemp("two"))
    assert result.failed == []
    return result, study_significance(result)


def test_beside_every_score_of_a_study_stands_its_own_method_s_test(two_methods) -> None:
    result, tests = two_methods
    both = tests.zero, tests.differences
    found = summary(result.table, tests.zero)
    assert set(found.method) == set(tests.zero.method) == set(tests.differences.method)
    section = similarity(found, both)
    assert len(section.pictures) == 2
    assert [table.title.split(", ")[2][:3] for table in section.tables] == ["cka", "rsa"]
    best = best_layers(found)
    for part, table in zip(panels(best), section.tables, strict=True):
        method = part.method.iloc[0]
        shown = pd.DataFrame(table.rows, columns=table.columns)
        row = part[part.model == "backprop"].iloc[0]
        cells = shown[shown["model"] == "backpropagation"].iloc[0]
        own = tests.differences.query(
            f"method == '{method}' and level == 'mean' and test == 'planned'"
            f" and model_a == 'backprop' and model_b == 'untrained' and layer_a == '{row.layer}'"
        )
        assert cells["over untrained"].startswith(
            f"{own.difference.item():+.3f} (".replace("-0.", "−0.")
        )
        same = found.query(
            f"method == '{method}' and model == 'untrained' and layer == '{row.layer}'"
        )
        assert own.difference.item() == pytest.approx(row.score - same.score.item())
    assert "not tested" not in str(section.tables)
    # Without the tests of one method nothing stands beside its scores.
    rsa = (
        tests.zero[tests.zero.method == "rsa"],
        tests.differences[tests.differences.method == "rsa"],
    )
    cka, of_rsa = similarity(found, rsa).tables
    assert "not tested" in str(cka.rows)
    assert "not tested" not in str(of_rsa.rows)
    titles = [table.title for table in significance(both).folded]
    assert len(titles) == len(set(titles)) == 6
    assert len(layers(found).folded) == 2


def test_every_method_has_a_panel_with_its_ceiling_and_lines_of_its_own(two_methods) -> None:
    result, _ = two_methods
    found = summary(result.table)
    assert similarity_figure(found).count(b'id="axes_') == 2
    ceilings = found.groupby("method").ceiling_lower.first()
    assert ceilings["rsa"] != ceilings["cka"]
    assert set(result.along.method) == {"rsa"}
    translucent = b"stroke-opacity: 0.6"
    drawn = accuracy_figure(found, result.along)
    n_lines = len(result.along.groupby(["model", "network", "seed"]))
    assert drawn.count(translucent) == n_lines
    assert translucent not in accuracy_figure(found[found.method == "cka"], result.along)


def test_the_tests_of_a_study_are_of_the_networks_and_controls_that_were_scored(
    two_methods,
) -> None:
    result, tests = two_methods
    columns = [c for c in key_of(tests.zero) if c != "test"]
    scores = result.table.set_index(columns).score
    rows = tests.zero.set_index(columns).score
    assert {"pixels", "random_features", "untrained", "backprop"} <= set(tests.zero.model)
    assert rows.index.isin(scores.index).all()
    np.testing.assert_allclose(rows, scores[rows.index], atol=1e-9)


def test_every_file_of_a_study_has_each_row_once(two_methods, tmp_path) -> None:
    result, tests = two_methods
    folder = tmp_path / "written"
    folder.mkdir()
    write_study(WholeStudy(replace(result, folder=folder), tests), "spikelearn study run two.yaml")
    tables = {
        name: pd.read_csv(folder / name) for name in ("table.csv", "zero.csv", "differences.csv")
    }
    for table in tables.values():
        assert set(table.method) == {"rsa", "cka"}
        checked(table)
    results = pd.read_parquet(folder / "results.parquet")
    assert not results.duplicated(key_of(results)).any()
    assert not result.along.duplicated(key_of(result.along)).any()
    page = (folder / "report.html").read_text()
    assert page.count("Scores by rsa.") == 2
    assert page.count("Scores by cka.") == 2


def test_two_networks_of_one_name_are_an_error_of_ours(two_methods, monkeypatch) -> None:
    from spikelearn.comparison.tables import TableKeyError
    from spikelearn.studies import study_run

    result, _ = two_methods
    pieces = [
        study_run.Piece(result.study, result.folder, entry, 0, result.recordings)
        for entry in result.study.networks
    ]
    assert len(study_run.score_table(pieces)) == len(result.table)
    (ours, *_) = [piece for piece in pieces if piece.config.rule == "backprop"]
    read = ours.scores

    def changed(recording, method):
        table = read(recording, method)
        return table.assign(score=table["score"].where(table["model"] != "pixels", 0.9))

    monkeypatch.setattr(ours, "scores", changed)
    with pytest.raises(TableKeyError, match="two things have one name"):
        study_run.score_table(pieces)
