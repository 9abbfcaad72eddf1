"""The page of a sweep: everything of it, and every text as text."""

from __future__ import annotations

from spikelearn.report.sweep_page import write_sweep_page
from tests.report.test_sweep_figures import table

TEXTS = {"title": "Sweep: <b>", "summary": "Two & more.", "command": "spikelearn sweep run a.yaml",
         "config": "name: a"}  # fmt: skip


def test_the_page_has_picture_means_and_what_failed(tmp_path):
    drawn = table({"a<i>": [1, 2]}, failed=(0,))
    page = write_sweep_page(
        tmp_path / "report.html", drawn, [("a<i>",)], ["rate_hz"], TEXTS,
        ["1 run failed: <script>"], ["a warning"],
    ).read_text()  # fmt: skip
    for words in ("Sweep: &lt;b&gt;", "Two &amp; more.", "sweep run a.yaml", "name: a", "a warning",
                  "&lt;script&gt;", "a&lt;i&gt;", "data:image/svg+xml",
                  "95 % intervals"):  # fmt: skip
        assert words in page
    assert page.count("<script>") == 1  # its own
    good = drawn[(drawn["failed"] == "") & (drawn["population"] == "E")]
    first = good[good["a<i>"] == 1]["rate_hz"]
    assert f"{first.mean():.3f} ± {first.std():.3f}" in page
