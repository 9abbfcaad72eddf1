"""A page for every shipped model, with its picture, and what others found beside what is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from museums import models
from museums.published import PUBLISHED
from museums.rst import Pages
from spikelearn._files import shipped_names
from spikelearn.networks import load_model
from spikelearn.simulation import simulate
from spikelearn.spikes.activity import Activity


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pages, with nothing simulated or drawn."""

    def not_made(folder: Path, content: Any, rooms: Any, make: Any) -> tuple[Path, Any]:
        picture = folder / "picture.png"
        picture.write_bytes(b"")
        n_known = len(content[-1]) if isinstance(content[-1], list) else 0
        return picture, {"measured": [1.0] * n_known, "spikes": [7]}

    monkeypatch.setattr(models, "kept", not_made)
    models.write(Pages(tmp_path / "pages"), tmp_path)
    return tmp_path / "pages" / "models"


def test_each_model_has_a_page_with_its_yaml_and_a_picture(pages: Path) -> None:
    names = set(shipped_names("models"))
    for suffix in (".rst", ".yaml", ".png"):
        assert {path.stem for path in pages.glob(f"*{suffix}")} - {"index"} == names
    index = (pages / "index.rst").read_text(encoding="utf-8")
    assert all(f"   {name}\n" in index for name in names)


def test_what_others_found_stands_beside_what_was_measured(pages: Path) -> None:
    text = (pages / "brunel2000.rst").read_text(encoding="utf-8")
    assert "37.7 simulated in the paper; theory 40.4\n     - 1 Hz\n     - 35.7 to 39.7" in text


def test_a_page_says_what_the_model_was_shown(pages: Path) -> None:
    shown = {
        "lif_neuron": "--stimulus step_current",
        "lif_feedforward": "--stimulus poisson",
        "diehl_cook2015": "train diehl_cook2015 --stimuli mnist",
    }
    for name, option in shown.items():
        assert option in (pages / f"{name}.rst").read_text(encoding="utf-8")
    assert "--stimulus" not in (pages / "brunel2000.rst").read_text(encoding="utf-8")


def test_a_page_of_a_trained_network_says_its_layers_and_what_rules_reached(pages: Path) -> None:
    text = (pages / "cnn_28.rst").read_text(encoding="utf-8")
    assert "input 1×28×28, layer 1 16×14×14, layer 2 32×7×7, output 10" in text
    assert ":ref:`rule-backprop`" in (pages / "mlp_784.rst").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [n for n in shipped_names("models") if n not in PUBLISHED])
def test_layers_are_those_of_the_network_that_is_built(name: str) -> None:
    model: Any = load_model(name)
    if model.kind not in ("mlp", "cnn", "residual_mlp") or name == "mlp_784_2000":
        return
    import torch

    found = [shape for _, shape in models.shapes(model)]
    h = torch.zeros(1, *found[0])
    network = model.build(0)
    for layer, shape in zip(network, found[1:], strict=True):
        h = layer.activate(layer.drive(h))
        assert tuple(h.shape[1:]) == shape


def test_layers_are_drawn(tmp_path: Path) -> None:
    from PIL import Image

    from spikelearn.plot.style import styled

    with styled():
        models.draw_layers(tmp_path / "a.png", [("input", (28,)), ("output", (10,))])
        models.draw_layers(tmp_path / "b.png", [("input", (28,))] * 12, recurrent=True)
    with Image.open(tmp_path / "a.png") as few, Image.open(tmp_path / "b.png") as many:
        assert many.width > few.width


def test_published_networks_are_shipped_ones() -> None:
    assert set(PUBLISHED) <= set(shipped_names("models"))


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.slow
def test_a_published_network_does_here_what_others_found(name: str) -> None:
    run, model = PUBLISHED[name], load_model(name)
    assert not isinstance(model, str)
    net: Any = model.scaled(run.scale) if run.scale != 1 else model  # type: ignore[union-attr]
    activity: Activity = simulate(net, None, run.duration_ms, run.dt_ms, "native", models.SEED)
    for known in run.known:
        assert known.low <= known.measure(activity) <= known.high, known.what
