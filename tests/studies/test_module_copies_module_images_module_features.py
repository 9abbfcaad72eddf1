"""Anyone's module of PyTorch: layers, passes, precision, state, images; it stays as it is."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from spikelearn import SpikelearnError
from spikelearn.rules.user_rule import from_file
from spikelearn.studies import module_features
from spikelearn.studies.compared import (
    check_of_modules,
    compared_given,
    module_names,
    placed_module,
)
from spikelearn.studies.module_copies import ModuleCopies
from spikelearn.studies.module_features import FeatureRows
from spikelearn.studies.module_images import batches_of, images_for
from spikelearn.studies.torch_modules import module_responses

N = 9
LABELS = [str(i) for i in range(N)]
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 8, 8), dtype=np.uint8)
X = torch.from_numpy(IMAGES.reshape(N, 64) / np.float32(255))


def of(module: nn.Module, layers=None, preprocess=None, images: np.ndarray = IMAGES):
    """Responses by layer as arrays, and that the module is as it was."""
    before = {k: v.clone() for k, v in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    found = module_responses(module, images, LABELS, "net", layers, preprocess)
    after = module.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert modes == [part.training for part in module.modules()]
    assert not any(part._forward_hooks for part in module.modules())
    return {layer: response.to_numpy() for layer, response in found.items()}


class Tuples(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = nn.LSTM(8, 5, batch_first=True), nn.Linear(5, 3)
        self.input_shape = (1, 8, 8)

    def forward(self, x):
        states, (h, _) = self.lstm(x[:, 0])
        return self.out(states[:, -1]), {"h": h}


class Shared(nn.Module):
    """One layer that is reached as often as it is told."""

    def __init__(self, passes: int) -> None:
        super().__init__()
        self.first, self.again, self.relu = nn.Linear(64, 6), nn.Linear(6, 6), nn.ReLU()
        self.passes = passes

    def forward(self, x):
        x = self.first(x)
        for _ in range(self.passes):
            x = self.relu(self.again(x))
        return x


class Spiking(nn.Module):
    """A layer of neurons with a state that goes on from call to call, as snnTorch's have it."""

    def __init__(self, forgets: bool = True) -> None:
        super().__init__()
        self.fc, self.mem, self.n_seen = nn.Linear(64, 5), None, 0
        if forgets:
            self.reset_mem = self._reset

    def _reset(self):
        self.mem = None

    def forward(self, x):
        self.n_seen += 1
        current = self.fc(x)
        mem = current if self.mem is None else 0.9 * self.mem + current
        self.mem = mem - (mem > 0.2).float()
        return (mem > 0.2).float(), mem


def test_a_tuple_gives_its_first_tensor_with_a_row_an_image_and_says_so() -> None:
    module = Tuples()
    found = of(module)
    with torch.no_grad():
        states, _ = module.lstm(X.view(N, 8, 8))
    np.testing.assert_allclose(found["lstm"], states.reshape(N, -1), atol=1e-6)
    assert found["out"].shape == (N, 3)
    wrapped = nn.Sequential(Spiking())
    with pytest.warns(UserWarning, match="gives 2 tensors with a row an image: the first is taken"):
        assert set(np.unique(of(wrapped, ["0"])["0"])) <= {0.0, 1.0}


def test_a_layer_that_is_reached_twice_stands_twice_and_often_as_its_mean() -> None:
    twice = Shared(2)
    with pytest.warns(UserWarning, match=r"layer again .* reached 2 times .*again:1 to again:2"):
        found = of(twice)
    with torch.no_grad():
        first = twice.first(X)
        passes = [twice.again(first).relu()]
        passes.append(twice.again(passes[0]).relu())
    assert list(found) == ["first", "again:1", "again:2"]
    for number in (1, 2):
        np.testing.assert_allclose(found[f"again:{number}"], passes[number - 1], atol=1e-6)
    np.testing.assert_allclose(found["first"], first, atol=1e-6)

    often = Shared(7)
    with pytest.warns(UserWarning, match="reached 7 times for an image: their mean is taken"):
        found = of(often)
    assert found["again"].shape == (N, 6)


def test_of_a_named_layer_the_pass_is_named_too() -> None:
    module = Shared(3)
    with pytest.raises(SpikelearnError, match="say which, 'relu:1' to 'relu:3', or 'relu:mean'"):
        of(module, ["relu"])
    found = of(module, ["relu:1", "relu:3", "relu:mean", "first"])
    assert list(found) == ["relu:1", "relu:3", "relu:mean", "first"]
    assert not np.array_equal(found["relu:1"], found["relu:3"])
    for wrong, words in (("relu:4", "there is no 'relu:4'"), ("rely", "no layer 'rely'.*relu"),
                         ("5", "no layer '5'"), ("mean", "no layer 'mean'"), (":", "no layer ':'"),
                         ("relu:x", "no layer 'relu:x'"), ("relu:0", "no 'relu:0'")):  # fmt: skip
        with pytest.raises(SpikelearnError, match=words):
            of(module, [wrong])


def test_layers_inside_containers_and_containers_have_names() -> None:
    module = nn.Sequential(
        nn.Sequential(nn.Linear(64, 7), nn.ReLU()), nn.Sequential(nn.Linear(7, 4), nn.ReLU())
    )
    found = of(module, ["0.0", "0", "1.0"])
    np.testing.assert_allclose(found["0"], np.maximum(found["0.0"], 0), atol=1e-6)
    assert list(of(module)) == ["0.0", "1.0"]
    unused = nn.ModuleDict({"a": nn.Linear(64, 3), "b": nn.Linear(3, 3)})
    unused.forward = unused["a"].forward  # type: ignore[method-assign]
    with pytest.raises(SpikelearnError, match=r"layer 'b' .*not reached"):
        of(unused, ["b"])


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_taken_as_they_are(kind) -> None:
    module = nn.Sequential(nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 4)).to(kind)
    found = of(module)
    with torch.no_grad():
        expected = module(X.to(kind)).to(torch.float64)
    np.testing.assert_allclose(found["2"], expected, atol=0.02)
    assert found["2"].dtype == (np.float64 if kind == torch.float64 else np.float32)


def test_running_statistics_are_used_and_stay() -> None:
    module = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.5))
    module.train()
    found = of(module)["0"]
    with torch.no_grad():
        expected = module[0](X.view(N, 1, 8, 8)) / np.sqrt(1 + 1e-5)
    np.testing.assert_allclose(found, expected.reshape(N, -1), atol=1e-6)
    module[1] = nn.BatchNorm2d(3, track_running_stats=False)
    with pytest.raises(SpikelearnError, match="depends on which images are shown with it"):
        of(module)


def test_a_module_that_changes_its_input_in_place_changes_nothing_else() -> None:
    class InPlace(nn.Sequential):
        def forward(self, x):
            return super().forward(x.mul_(-1).add_(1))

    images = IMAGES.copy()
    found = of(InPlace(nn.Linear(64, 4), nn.ReLU(inplace=True)), images=images)
    np.testing.assert_array_equal(images, IMAGES)
    assert found["0"].min() >= 0


def test_a_state_is_forgotten_before_each_image_and_afterwards_as_it_was() -> None:
    module = Spiking()
    module(torch.rand(5, 64))  # in the middle of a training: its state is no leaf
    state, seen = module.mem, module.n_seen
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = of(module)
    assert module.mem is state
    assert module.n_seen == seen
    with torch.no_grad():
        np.testing.assert_allclose(found["fc"], module.fc(X), atol=1e-6)


def test_a_module_that_learns_while_it_is_shown_images_is_refused() -> None:
    class Hebbian(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(64, 4)

        def forward(self, x):
            y = self.fc(x)
            self.fc.weight.data += 0.1 * y.T @ x
            return y

    module = Hebbian()
    before = module.fc.weight.clone()
    with pytest.raises(SpikelearnError, match=r"changes its weights 'fc.weight' when it is shown"):
        module_responses(module, IMAGES, LABELS, "net")
    assert torch.equal(module.fc.weight, before)


def test_weights_that_are_not_made_yet_and_modules_that_cannot_be_copied_are_refused() -> None:
    with pytest.raises(SpikelearnError, match=r"weights 'weight' .* run it on one image first"):
        ModuleCopies(nn.LazyLinear(3), "net")

    class Held(nn.Linear):
        def __deepcopy__(self, memo):
            raise TypeError("no copies")

    with pytest.raises(SpikelearnError, match=r"cannot be copied.*no copies"):
        ModuleCopies(Held(3, 3), "net")

    class Stuck(nn.Linear):
        def reset(self):
            raise ValueError("nothing to reset")

    with pytest.raises(SpikelearnError, match=r"cannot forget .* reset\(\) fails"):
        ModuleCopies(Stuck(3, 3), "net")


def test_preprocess_makes_of_an_image_what_the_module_takes() -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 4 * 4, 5))

    def small(image) -> torch.Tensor:
        return torch.from_numpy(np.asarray(image.resize((6, 6)), np.float32)).permute(2, 0, 1) / 255

    with pytest.raises(
        SpikelearnError, match=r"does not take images of shape \(3, 8, 8\); give pre"
    ):
        of(module)
    found = of(module, preprocess=small)
    batched = of(module, preprocess=lambda image: small(image).unsqueeze(0))
    np.testing.assert_array_equal(found["2"], batched["2"])
    assert found["2"].shape == (N, 5)


@pytest.mark.parametrize(
    ("preprocess", "words"),
    [(lambda image: image, "must give a tensor or an array, found Image"),
     (np.asarray, "must give real numbers.*found uint8"),
     (lambda image: 1 / 0, "fails on image 1 .*ZeroDivisionError"),
     (lambda image: torch.full((64,), float("nan")), "not finite"),
     (lambda image: torch.zeros(int(np.asarray(image)[0, 0, 0]) + 1), "images of two shapes"),
     (3, "is a function of one image, found int")],
)  # fmt: skip
def test_a_preprocess_that_does_not_is_refused_in_a_sentence(preprocess, words) -> None:
    with pytest.raises(SpikelearnError, match=words) as raised:
        of(nn.Sequential(nn.Linear(64, 3)), preprocess=preprocess)
    assert "\n" not in str(raised.value)


def test_large_responses_lie_on_the_disk_and_are_the_same(monkeypatch) -> None:
    module = nn.Sequential(nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 4))
    expected = of(module)
    monkeypatch.setattr(module_features, "MOST_IN_MEMORY", 100)
    rows = FeatureRows("net", 4)
    rows.put(0, {"a": np.ones((2, 30), np.float32)})
    rows.put(2, {"a": np.zeros((2, 30), np.float32)})
    assert isinstance(rows.layers["a"], np.memmap)
    assert rows.layers["a"].sum() == 60
    with pytest.raises(SpikelearnError, match=r"'a' .* 30 units for some images and 7 for others"):
        rows.put(0, {"a": np.ones((2, 7), np.float32)})
    for layer, values in of(module).items():
        np.testing.assert_array_equal(values, expected[layer])
    assert len(list(batches_of(lambda start, stop: torch.zeros(1, 2**24), 3))) == 3
    given = images_for(module, IMAGES, "net", None, module[0])
    assert torch.equal(given(2, 4), X[2:4])


def test_a_module_is_named_by_its_place(tmp_path: Path) -> None:
    file = tmp_path / "own_net.py"
    file.write_text(
        "from torch import nn\nnumber = 3\nready = nn.Linear(2, 2)\n"
        "def make_net():\n    return nn.Linear(64, 4)\n"
        "def broken():\n    raise ValueError('no')\n"
    )
    first, again = (placed_module(f"{file}:make_net") for _ in range(2))
    assert torch.equal(first.weight, again.weight)  # drawn from a seed
    assert module_names([first, nn.Linear(1, 1), again]) == ["make_net", "Linear", "make_net 2"]
    assert placed_module(f"{file}:ready") is placed_module(f"{file}:ready")
    for name, words in (("number", "neither a module"), ("broken", "fails: .*ValueError: no"),
                        ("make_nett", "nothing called make_nett.*make_net")):  # fmt: skip
        with pytest.raises(SpikelearnError, match=words):
            placed_module(f"{file}:{name}")
    with pytest.raises(SpikelearnError, match=r"no Python file .*; a module is named my_net.py"):
        placed_module(f"{tmp_path}/none.py:make_net")


def test_layers_and_preprocess_are_of_modules() -> None:
    module = nn.ReLU()
    assert check_of_modules([module], None, None) is None
    assert check_of_modules([module], "fc", None) == ["fc"]
    assert check_of_modules([module], ("a", "b", "a"), None) == ["a", "b"]
    for given, layers, preprocess, words in (
        ([], ["a"], None, "are of modules of PyTorch, and none"),
        ([module], [], None, "layers are a list of names"),
        ([module], 3, None, "layers are a list of names"),
        ([module], None, 3, "preprocess is a function"),
    ):
        with pytest.raises(SpikelearnError, match=words):
            check_of_modules(given, layers, preprocess)


def test_a_place_that_is_half_said_is_told_what_a_whole_one_is(tmp_path):
    file = tmp_path / "my_net.py"
    file.write_text("import sys\n\n\ndef leaves():\n    sys.exit(3)\n")
    for place in (file, tmp_path / "none.py", f"{tmp_path}/my_net:make_net", "my_net.ipynb:net"):
        with pytest.raises(SpikelearnError, match=r"neither a run nor a .*my_net\.py:make_net"):
            compared_given([place])
    with pytest.raises(SpikelearnError, match="does not say what is meant of the file; a module"):
        placed_module(f"{file}:")
    with pytest.raises(SpikelearnError, match="does not say what is meant of the file; so"):
        from_file(str(file), "so")
    with pytest.raises(SpikelearnError, match="leaves raised SystemExit: 3"):
        placed_module(f"{file}:leaves")
