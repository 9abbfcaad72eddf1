"""Shared by the tests of pictures."""

from __future__ import annotations

import pytest


@pytest.fixture
def drawn(monkeypatch):
    """Draws, and gives the figure that would be written."""

    def draw(plot, module, *arguments, **settings):
        figures = []
        monkeypatch.setattr(module, "write_picture", lambda figure, _: figures.append(figure))
        plot(*arguments, **settings)
        return figures[0]

    return draw
