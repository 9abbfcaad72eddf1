"""What a sweep takes: a description, or what it simulates or trains alone."""

from __future__ import annotations

import spikelearn as sl
from spikelearn._files import write_yaml
from spikelearn.sweeps.given import base_of, sweep_given

FIELDS = {"model": "mlp_64", "rule": "backprop", "dataset": "digits", "epochs": 2}


def test_a_base_alone_is_told_by_what_it_is(tmp_path):
    """What `sweep` takes first: simulated where it is a network that spikes, else trained."""
    write_yaml(tmp_path / "mine.yaml", FIELDS)
    write_yaml(tmp_path / "s.yaml", {"simulate": "lif_neuron"})
    cell = sl.load_model("lif_neuron")
    write_yaml(tmp_path / "cell.yaml", cell.model_dump(mode="json", exclude_none=True))
    trained = (sl.TrainConfig(**FIELDS), "mnist_mlp/backprop", tmp_path / "mine.yaml",
               sl.load_model("mlp_64"))  # fmt: skip
    assert [base_of(one) for one in trained] == ["train"] * 4
    simulated = (cell, "lif_neuron", str(tmp_path / "cell.yaml"))
    assert [base_of(one) for one in simulated] == ["simulate"] * 3
    whole = (sl.Sweep(train="mnist_mlp/backprop"), tmp_path / "s.yaml", {"train": FIELDS}, 3, [])
    assert [base_of(one) for one in whole] == [""] * 5
    paths = sl.Sweep(simulate={"model": tmp_path / "cell.yaml", "stimulus": tmp_path / "s.yaml"})
    assert paths.simulate.model == str(tmp_path / "cell.yaml")
    assert sweep_given(cell, {"seeds": 2}).simulate.model == cell
    assert sweep_given(tmp_path / "mine.yaml", {}).train.recipe == str(tmp_path / "mine.yaml")
    assert sweep_given(tmp_path / "s.yaml", {"seeds": 3}).seeds == (0, 1, 2)
    assert sweep_given(None, {"train": FIELDS}).train.recipe.epochs == 2
