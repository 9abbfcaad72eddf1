"""A piece of a study: where it is kept, and what it still misses."""

from __future__ import annotations

import pandas as pd
import pytest
from small_recording import small_recording

from spikelearn import _store as store
from spikelearn.studies.study_pieces import JUDGED, Piece, training_folder


def test_runs_of_an_older_study_are_found_where_they_are(tmp_path):
    assert training_folder(tmp_path) == tmp_path / "training"
    (tmp_path / "runs").mkdir()
    assert training_folder(tmp_path) == tmp_path / "runs"


def test_a_piece_misses_every_recording_and_method_until_their_scores_are_there(
    small_study, tmp_path
):
    made = small_recording()
    study = small_study.model_copy(update={"methods": ("rsa", "encoding")})
    recordings = {"a": made, "b": made, "a" + JUDGED: made}
    piece = Piece(study, tmp_path, study.networks[0], 0, recordings)
    assert list(piece.missing()) == [
        ("a", "rsa"), ("a", "encoding"), ("b", "rsa"), ("b", "encoding"), ("a" + JUDGED, "rsa"),
    ]  # fmt: skip
    folder, decides = piece._place_of_scores("b", "rsa")
    store.save_tables(folder, decides, {"scores": pd.DataFrame({"score": [0.5]})})
    assert ("b", "rsa") not in set(piece.missing())
    assert piece.scores("b", "rsa")["score"].tolist() == [0.5]
    assert not piece.complete
    assert len({piece._place_of_scores(name, "rsa")[0] for name in recordings}) == 3
    (folder / "scores.parquet").write_bytes(b"broken")
    with pytest.warns(store.StoredResultWarning, match="set aside"):
        assert ("b", "rsa") in set(piece.missing())
