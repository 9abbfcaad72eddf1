"""Macaque V4: sessions of the published layout, made here; and a published one, where at hand."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._files import sha256
from spikelearn.comparison import baselines, compare_by
from spikelearn.recordings import at_hand, cowley2023_v4, load
from tests.recordings.examples import random_images

SIZES = {"210325": (4, 7), "190923": (3, 6), "210621": (2, 5)}  # neurons, images


def write_session(folder, session: str, images: np.ndarray, responses: np.ndarray) -> None:
    kind = cowley2023_v4.SESSIONS[session].kind
    np.save(folder / f"{kind}_{session}.npy", responses)
    with zipfile.ZipFile(folder / f"images_{session}.zip", "w") as archive:
        for number in reversed(range(len(images))):  # archives keep no order
            content = io.BytesIO()
            # Lossless, so that pixels can be asked for: the name says .jpg as the archives' do.
            Image.fromarray(images[number]).save(content, "PNG")
            archive.writestr(f"images_{session}/image{number + 1:04d}.jpg", content.getvalue())


@pytest.fixture
def sessions(data, monkeypatch):
    """Three small sessions; the second shows its first picture again as its last."""
    folder = data / "cowley2023_v4"
    folder.mkdir()
    random = np.random.default_rng(0)
    small, made = {}, {}
    for seed, (session, (n_units, n_images)) in enumerate(SIZES.items()):
        images = random_images(n_images, seed=seed)
        responses = random.uniform(0, 5, (n_units, n_images))
        if session == "190923":
            images[-1] = images[0]
        if session == "210325":
            responses = random.poisson(3.0, (n_units, n_images, 3)).astype(float)
            responses[:, 2:, 2] = np.nan
        write_session(folder, session, images, responses)
        about = cowley2023_v4.SESSIONS[session]
        small[session] = replace(
            about, n_units=n_units, n_images=n_images,
            responses=sha256(folder / f"{about.kind}_{session}.npy"),
            images=sha256(folder / f"images_{session}.zip"),
        )  # fmt: skip
        made[session] = images, responses
    monkeypatch.setattr(cowley2023_v4, "SESSIONS", small)
    return folder, made


def test_a_session_has_its_images_by_number_and_its_repeats(sessions) -> None:
    _, made = sessions
    assert at_hand("cowley2023_v4")
    recording = load("cowley2023_v4")
    images, responses = made["210325"]
    np.testing.assert_array_equal(recording.images, images)
    (one,) = recording.responses
    assert (one.subject, one.region, one.session) == ("PE", "monkey V4", "210325")
    np.testing.assert_array_equal(one.values, responses.transpose(1, 2, 0))
    assert one.unit == "spikes in 100 ms"
    assert recording.notes == ()


def test_a_picture_that_is_shown_twice_is_one_stimulus(sessions) -> None:
    _, made = sessions
    recording = load("cowley2023_v4:190923")
    _, responses = made["190923"]
    assert recording.n_stimuli == 5
    values = recording.responses[0].values[:, 0]
    np.testing.assert_allclose(values[0], (responses[:, 0] + responses[:, 5]) / 2)
    np.testing.assert_allclose(values[1:], responses[:, 1:5].T)
    assert "1 of its 6 pictures a second time" in recording.notes[0]


def test_all_sessions_are_nested_in_their_animals(sessions) -> None:
    recording = load("cowley2023_v4:all")
    assert recording.n_stimuli == 7 + 5 + 5
    by_session = {one.session: one for one in recording.responses}
    assert {name: one.subject for name, one in by_session.items()} == {
        "210325": "PE",
        "190923": "WE",
        "210621": "RA",
    }
    seen = [~np.isnan(one.values).all(axis=(1, 2)) for one in recording.responses]
    np.testing.assert_array_equal(np.sum(seen, axis=0), 1)
    assert all(one.numbered for one in recording.responses)
    left_out = [note for note in recording.notes if "left out" in note]
    assert len(left_out) == len(cowley2023_v4.LEFT_OUT)


def test_sessions_that_a_network_chose_images_for_are_left_out_and_why() -> None:
    with pytest.raises(SpikelearnError, match=r"not '190925', which is left out: 300 of its 900"):
        load("cowley2023_v4:190925")
    with pytest.raises(SpikelearnError, match="are those of 210325 again"):
        at_hand("cowley2023_v4:210322")
    with pytest.raises(SpikelearnError, match=r"has the variants 210325, .*, all, not '000000'$"):
        load("cowley2023_v4:000000")


def test_files_that_are_not_the_published_ones_are_refused(sessions, monkeypatch) -> None:
    folder, made = sessions
    np.save(folder / "avg_210621.npy", made["210621"][1] + 1)
    with pytest.raises(SpikelearnError, match=r"avg_210621.npy has the wrong checksum"):
        load("cowley2023_v4:210621")
    about = cowley2023_v4.SESSIONS
    changed = replace(about["190923"], n_units=9)
    monkeypatch.setattr(cowley2023_v4, "SESSIONS", about | {"190923": changed})
    with pytest.raises(SpikelearnError, match="must hold 9 neurons x 6 images, found 3 x 6"):
        load("cowley2023_v4:190923")
    (folder / "raw_210325.npy").unlink()
    assert not at_hand("cowley2023_v4")
    with pytest.raises(DataUnavailableError, match=r"responses_raw/responses_210325.npy"):
        load("cowley2023_v4")


needs_session = pytest.mark.skipif(
    not cowley2023_v4.at_hand(),
    reason="the files of cowley2023_v4 are neither in SPIKELEARN_DATA nor cached",
)


@pytest.mark.slow
@needs_session
def test_gabor_energy_predicts_v4_as_known() -> None:
    recording = load("cowley2023_v4")
    (one,) = recording.responses
    gabor = {"gabor": baselines.gabor_energy(recording.images, recording.labels)}
    row = compare_by("encoding", gabor, recording, 100).query("level == 'mean'").iloc[0]
    assert row.score == pytest.approx(0.420, abs=0.01)
    assert row.ceiling_upper == pytest.approx(0.861, abs=0.005)
    assert 0.02 < row.ci_upper - row.ci_lower < 0.06
    # Of six repeats, which every image has, there is more noise: both fall, their ratio stays.
    six = replace(recording, responses=(replace(one, values=one.values[:, :6]),), rdms=())
    less = compare_by("encoding", gabor, six, 0).query("level == 'mean'").iloc[0]
    assert less.ceiling_upper == pytest.approx(0.837, abs=0.005)
    assert less.score / less.ceiling_upper == pytest.approx(row.score / row.ceiling_upper, abs=0.02)
