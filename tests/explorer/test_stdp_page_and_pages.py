"""The page of protocols without a browser, and which pages there are."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("panel", reason="the page needs Panel (the extra `explore`)")

from spikelearn._yaml import parse_yaml
from spikelearn.explorer.page import first_setting
from spikelearn.explorer.pages import PLACES, makers
from spikelearn.explorer.stdp_page import StdpPage
from spikelearn.networks.plasticity import PairSTDP
from spikelearn.rules.stdp import pair_window

PATIENCE_S = 60.0


def shown(page: StdpPage, true: Callable[[], bool]) -> None:
    """Wait until it shows what is looked for."""
    changed = threading.Condition()
    show = page._show

    def showing(*given: object) -> None:
        with changed:
            show(*given)  # type: ignore[arg-type]
            changed.notify_all()

    page._show = showing  # type: ignore[method-assign, assignment]
    page._want()
    with changed:
        assert changed.wait_for(true, PATIENCE_S)


def test_the_window_follows_the_knobs() -> None:
    page = StdpPage("?preset=pairs+(Bi+%26+Poo)&n_pairs=1&a_plus=0.02&tau_plus_ms=30&x=1&w_max=q")
    assert "&#x27;x&#x27; of the address is left out" in page.line.object
    page._sliders["tau_minus_ms"].value = 12.0
    said = page.taking.copies
    shown(page, lambda: page.shown is not None and "tau_minus_ms" in said.data["query"][0])
    assert page.protocol.n_pairs == 1
    data = page.sources["window"].data
    assert isinstance(page.rule, PairSTDP)
    assert (page.rule.a_plus, page.rule.tau_plus_ms, page.rule.tau_minus_ms) == (0.02, 30.0, 12.0)
    assert np.allclose(data["y"], pair_window(page.rule, np.asarray(data["x"])), atol=1e-12)
    fields = parse_yaml(page.taking.copies.data["yaml"][0], "")["plasticity"]
    assert PairSTDP(**fields) == page.rule
    names: dict = {}
    exec(page.taking.copies.data["python"][0], names)  # noqa: S102 - our own
    assert names["rule"] == page.rule
    page.close()


def test_another_plasticity_has_other_knobs() -> None:
    page = StdpPage()
    page.preset.value = "triplets (Pfister & Gerstner)"
    assert "a3_plus" in page._sliders
    assert "a_plus" not in page._sliders
    page._sliders["w_min"].value = 3.0  # above w_max
    assert "w_max must lie above w_min" in page.line.object
    page.close()


def test_pages_lie_below_the_first() -> None:
    below = makers(*first_setting("lif_neuron"))
    places = ["/stdp", "/learning", "/rdms"]
    assert list(below("/")) == ["/", *places]
    assert list(below("/token")) == ["/token", *(f"/token{place}" for place in places)]
    assert len(PLACES) == len(below("/"))
