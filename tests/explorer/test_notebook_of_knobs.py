"""`explore` inside a notebook."""

from __future__ import annotations

import pytest

import spikelearn as sl

pytest.importorskip("panel", reason="the page needs Panel (the extra `explore`)")


def test_explore_gives_what_a_notebook_shows() -> None:
    view = sl.explore("lif_neuron", "fi_curve")
    assert view._page.setting.subject.stimulus == "fi_curve"
    view._page.close()
    with pytest.raises(sl.SpikelearnError, match="there is no model called 'lif'"):
        sl.explore("lif")
    with pytest.raises(sl.SpikelearnError, match="which trains"):
        sl.explore("mlp_784")
