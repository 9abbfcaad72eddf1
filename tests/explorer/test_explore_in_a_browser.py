"""`spikelearn explore` in a browser: a knob is turned, and the network answers."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from started_commands import started

import spikelearn as sl

CHROMIUM = Path("/usr/bin/chromium")
pytest.importorskip("panel", reason="the page needs Panel (the extra `explore`)")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright drives the browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}"),
]
PATIENCE_MS = 120_000
# All models of the page by name, and what the raster of a side holds.
_RASTER = """side => Array.from(
  Bokeh.documents[0].get_model_by_name(`raster data ${side}`)?.data.x ?? [])"""
_OTHER = """([side, before]) => {
  const x = Bokeh.documents[0].get_model_by_name(`raster data ${side}`)?.data.x
  const differs = () => x.length != before.length || x.some((v, i) => v != before[i])
  return x != null && x.length > 0 && differs()
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, psutil.Process]]:
    folder = tmp_path_factory.mktemp("explore")
    words = ("explore", "lif_neuron", "--stimulus", "step_current", "--no-browser")
    process = started(folder, words)
    assert process.stdout is not None
    yield process.stdout.readline().split()[1], psutil.Process(process.pid)
    process.send_signal(signal.SIGINT)
    _, wrong = process.communicate(timeout=60)
    assert (process.returncode, wrong) == (0, "")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.problems, page.elsewhere = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.elsewhere.append(request.url))
    yield page
    context.close()


def opened(page: Any, address: str) -> list[float]:
    """The raster of a page that has just been opened."""
    page.goto(address)
    page.wait_for_function("() => window.Bokeh?.documents?.[0]?.get_model_by_name('raster data B')")
    page.wait_for_function(_OTHER, arg=["B", []])
    return page.evaluate(_RASTER, "B")


def handle(page: Any, label: str) -> Any:
    """The handle of the slider with this label."""
    return page.locator(".bk-panel-models-layout-Column, .bk-Column", has_text=label).last.locator(
        ".noUi-handle"
    )


def drag(page: Any, label: str, by_px: int) -> None:
    box = handle(page, label).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by_px, y, steps=5)
    page.mouse.up()


def copied(page: Any, way: str) -> str:
    page.get_by_role("button", name=way).click()
    area = page.locator("textarea")
    area.wait_for()
    return str(area.input_value())


def settled(page: Any, text: str) -> None:
    """Wait until what is copied holds a text: the answer to the last turn is shown."""
    page.wait_for_function(
        "text => Bokeh.documents[0].get_model_by_name('copies').data.command[0].includes(text)",
        arg=text,
    )


def test_a_drag_changes_the_raster_and_the_yaml_gives_the_same_spikes(
    server: tuple[str, Any], tab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = opened(tab, server[0])
    drag(tab, "tau m (ms)", -60)
    tab.wait_for_function(_OTHER, arg=["B", before])
    settled(tab, f"tau_m_ms={float(handle(tab, 'tau m (ms)').get_attribute('aria-valuenow'))!r}")
    yaml = copied(tab, "copy as YAML")
    monkeypatch.chdir(tmp_path)
    Path("network.yaml").write_text(yaml, encoding="utf-8")
    from typer.testing import CliRunner

    from spikelearn.cli import app

    result = CliRunner().invoke(app, shlex.split(yaml.splitlines()[0].removeprefix("# "))[1:])
    assert result.exit_code == 0, result.output
    spikes = sl.load_activity("spikes.npz")["neuron"].times_ms
    assert spikes.size != len(before)
    assert np.array_equal(spikes.astype(np.float32), np.float32(tab.evaluate(_RASTER, "B")))
    # The address says the same, and opens the same.
    again = tab.context.new_page()
    assert opened(again, tab.url) == tab.evaluate(_RASTER, "B")
    assert "tau_m_ms" in tab.url
    assert tab.problems == []
    assert all(url.startswith((server[0], "data:", "blob:")) for url in tab.elsewhere)


def test_two_tabs_do_not_disturb_each_other(server: tuple[str, Any], tab: Any) -> None:
    mine = opened(tab, server[0])
    other = tab.context.new_page()
    other.set_default_timeout(PATIENCE_MS)
    assert opened(other, server[0]) == mine
    drag(other, "leak (nS)", -50)
    other.wait_for_function(_OTHER, arg=["B", mine])
    assert tab.evaluate(_RASTER, "B") == mine
    drag(tab, "leak (nS)", -30)
    tab.wait_for_function(_OTHER, arg=["B", mine])
    assert tab.evaluate(_RASTER, "B") != other.evaluate(_RASTER, "B")


def test_a_is_held_beside_b(server: tuple[str, Any], tab: Any) -> None:
    before = opened(tab, server[0])
    tab.get_by_role("button", name="hold as A").click()
    tab.wait_for_function(_OTHER, arg=["A", []])
    drag(tab, "tau m (ms)", -60)
    tab.wait_for_function(_OTHER, arg=["B", before])
    assert tab.evaluate(_RASTER, "A") == before


def test_spikes_are_saved(server: tuple[str, Any], tab: Any, tmp_path: Path) -> None:
    shown = opened(tab, server[0])
    with tab.expect_download() as waited:
        tab.get_by_role("button", name="save spikes").click()
    path = tmp_path / waited.value.suggested_filename
    waited.value.save_as(path)
    assert path.name == "lif_neuron.npz"
    saved = sl.load_activity(path)["neuron"].times_ms
    assert np.array_equal(saved.astype(np.float32), np.float32(shown))


def test_a_thousand_drags_leave_the_memory_as_it_was(server: tuple[str, Any], tab: Any) -> None:
    opened(tab, server[0])
    handle(tab, "tau m (ms)").focus()

    def turn(times: int) -> None:
        for _ in range(times // 20):
            for key in ("ArrowLeft", "ArrowRight"):
                for _ in range(10):
                    tab.keyboard.press(key)
        before = tab.evaluate(_RASTER, "B")
        tab.keyboard.press("ArrowLeft")
        tab.wait_for_function(_OTHER, arg=["B", before])
        tab.keyboard.press("ArrowRight")
        tab.wait_for_function(_OTHER, arg=["B", tab.evaluate(_RASTER, "B")])

    turn(200)
    before = server[1].memory_info().rss
    turn(1000)
    assert server[1].memory_info().rss - before < 50e6


def test_a_rule_trains_while_one_looks_and_its_recipe_gives_the_same_accuracy(
    server: tuple[str, Any], tab: Any, tmp_path: Path
) -> None:
    address = f"{server[0]}learning?rule=feedback_alignment&width=10&epochs=3&A.rule=backprop"
    tab.goto(address)
    before = "Bokeh.documents[0].get_model_by_name('accuracy data')?.data.xs"
    tab.wait_for_function(f"() => window.Bokeh?.documents?.[0] && {before}?.length == 2")
    tab.get_by_role("button", name="play").click()
    tab.wait_for_function(f"() => {before}.every(xs => xs.length == 4)")
    tab.get_by_text("test examples").first.wait_for()
    right = [
        text for text in tab.get_by_text("of the test examples").all_inner_texts() if "B:" in text
    ]
    path = tmp_path / "recipe.yaml"
    path.write_text(copied(tab, "copy as YAML"), encoding="utf-8")
    run = sl.train(path, progress=False)
    assert f"right for {run.summary['test_accuracy']:.1%} of the test" in right[0]
    assert "A.rule=backprop" in tab.url
    assert tab.problems == []


def test_matrices_follow_the_region(server: tuple[str, Any], tab: Any) -> None:
    tab.goto(f"{server[0]}rdms")
    image = "Bokeh.documents[0].get_model_by_name('brain data')?.data"
    title = "Bokeh.documents[0].get_model_by_name('brain').title.text"
    tab.wait_for_function(f"() => window.Bokeh?.documents?.[0] && {image}?.n.length == 1")
    assert "V1" in tab.evaluate(title)
    tab.get_by_label("region").select_option("IT (simulated)")
    tab.wait_for_function(f"() => {title}.includes('IT')")
    assert "region=IT" in tab.url
    assert "sl.compare(" in copied(tab, "copy as Python")
    assert tab.problems == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("place", ["stdp", "learning?A.rule=oja&dataset=two_moons", "rdms"])
def test_no_other_page_is_wider_than_the_screen(
    server: tuple[str, Any], browser: Any, place: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server[0]}{place}")
    page.locator("nav b").wait_for()
    page.locator("canvas").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(
    server: tuple[str, Any], browser: Any, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.set_default_timeout(PATIENCE_MS)
    opened(page, f"{server[0]}?model=lif_neuron&stimulus=fi_curve&A.model=hodgkin_huxley1952")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
