"""A piece of a study: where it is kept, and what it still misses."""

from __future__ import annotations

from small_recording import small_recording

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
    path = piece.scores("b", "rsa")
    path.parent.mkdir()
    path.touch()
    assert ("b", "rsa") not in set(piece.missing())
    assert not piece.complete
    assert len({piece.scores(name, "rsa") for name in recordings}) == 3
