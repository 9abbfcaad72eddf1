"""Mistakes that have cost published comparisons their conclusion, planted and caught."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from rsa_examples import made_up_recording, response
from scipy.spatial.distance import pdist
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import check_images, compare_rsa, evaluation_mode, recording_notes
from spikelearn.comparison.guards import check_alone
from spikelearn.recordings import RecordedRDM


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.5))


def shown(one: nn.Module, images: torch.Tensor):
    with torch.no_grad():
        responses = {"h": response(one(images).numpy())}

        def alone(index: int):
            return {"h": one(images[index : index + 1])[0].detach().numpy()}

    return responses, alone


def recording_with(rdms, n_stimuli=24):
    recording = made_up_recording(n_stimuli)
    return dataclasses.replace(recording, rdms=tuple(rdms))


def test_a_network_in_training_mode_is_caught_layer_by_layer() -> None:
    one = network()
    with (
        pytest.raises(SpikelearnError, match=r"layer 'network'.*is in training mode"),
        evaluation_mode(one),
    ):
        pass
    one.eval()
    one[1].train()
    with (
        pytest.raises(SpikelearnError, match=r"layer '1' \(BatchNorm1d\) is in training mode"),
        evaluation_mode(one),
    ):
        one(torch.zeros(3, 6))
    one.eval()
    with evaluation_mode(one):
        one(torch.zeros(3, 6))


def test_a_layer_that_is_put_in_training_mode_meanwhile_is_caught() -> None:
    one = network().eval()
    with pytest.raises(SpikelearnError, match=r"'3' \(Dropout\)"), evaluation_mode(one):
        one(one[3].train() and torch.zeros(3, 6))
    one.eval()
    with pytest.raises(SpikelearnError, match="training mode"), evaluation_mode(one):
        one.train()
    assert not one[3]._forward_pre_hooks  # nothing keeps watching


def test_responses_that_depend_on_the_batch_are_caught() -> None:
    torch.manual_seed(0)
    images = torch.rand(20, 6)
    one = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5, track_running_stats=False)).eval()
    responses, _ = shown(one, images)

    def alone(index: int):
        return {"h": one[0](images[index : index + 1])[0].detach().numpy()}

    with pytest.raises(SpikelearnError, match="depends on which images are shown with it"):
        check_alone("net", responses, alone)
    check_alone("net", *shown(network().eval(), images))


def test_shuffled_stimuli_are_caught() -> None:
    torch.manual_seed(0)
    images = torch.rand(20, 6)
    responses, alone = shown(network().eval(), images)
    check_alone("net", responses, alone)
    rolled = {"h": response(np.roll(responses["h"].to_numpy(), 3, axis=0))}
    with pytest.raises(SpikelearnError, match=r"'net' are shuffled: what stands for 's0'.*'s3'"):
        check_alone("net", rolled, alone)


def test_duplicated_images_are_caught() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 4), dtype=np.uint8)
    labels = list("abcde")
    check_images(images, labels)
    with pytest.raises(SpikelearnError, match="labelled 'a'"):
        check_images(images, list("abcda"))
    images[4] = images[1]
    with pytest.raises(SpikelearnError, match="'b' and 'e' are the same image"):
        check_images(images, labels)


def test_a_recorded_matrix_of_similarities_is_caught() -> None:
    recording = made_up_recording(30, n_subjects=4)
    first = recording.rdms[0]
    wrong = dataclasses.replace(first, dissimilarities=1 - first.dissimilarities)
    models = {"m": response(np.random.default_rng(0).normal(size=(30, 5)))}
    with pytest.raises(SpikelearnError, match="no dissimilarities in units of 1 - Pearson r"):
        compare_rsa(models, recording_with([wrong, *recording.rdms[1:]], 30), 0)
    in_other_units = dataclasses.replace(wrong, unit="arbitrary", session="0")
    same_subject = dataclasses.replace(in_other_units, session="1")
    notes = recording_notes(recording_with([in_other_units, same_subject, *recording.rdms[2:]], 30))
    assert any("S0 correlates negatively" in note for note in notes)


def test_a_subject_with_shuffled_stimuli_is_told() -> None:
    recording = made_up_recording(30, n_subjects=4)
    assert recording_notes(recording) == []
    order = np.random.default_rng(1).permutation(30)
    shuffled = [
        dataclasses.replace(
            r, dissimilarities=r.matrix[np.ix_(order, order)][np.triu_indices(30, 1)]
        )
        if r.subject == "S2"
        else r
        for r in recording.rdms
    ]
    (note,) = recording_notes(recording_with(shuffled, 30))
    assert "subject S2 is unrelated to the other subjects'" in note


def test_swapped_subjects_are_told() -> None:
    random = np.random.default_rng(2)
    own = random.normal(size=(3, 30, 10))  # what each subject alone has

    def session(s: int, k: int, called: str) -> RecordedRDM:
        values = pdist(own[s] + 0.5 * random.normal(size=(30, 10)), "correlation")
        return RecordedRDM(called, "human IT", str(k), values, "1 - Pearson r")

    right = [session(s, k, f"S{s}") for s in range(3) for k in range(2)]
    assert not [n for n in recording_notes(recording_with(right, 30)) if "swapped" in n]
    names = ("S1", "S0", "S2")
    second = [session(s, 1, names[s]) for s in range(3)]
    swapped = [session(s, 0, f"S{s}") for s in range(3)] + second
    notes = [n for n in recording_notes(recording_with(swapped, 30)) if "swapped" in n]
    assert len(notes) == 1
    assert "session 1 of subject S0 fits session 0 of S1" in notes[0]
