"""A page of results in a browser: its tables are sorted and filtered, and nothing is cut unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pages import all_sections

from spikelearn.report import About, Section, write_page
from spikelearn.report.page_tables import as_table

CHROMIUM = Path("/usr/bin/chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright drives the browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}"),
]
COLUMN = """n => Array.from(
  document.querySelectorAll(`#t tbody tr:not([hidden]) td:nth-child(${n})`), c => c.textContent)"""
CUT = """() => Array.from(document.querySelectorAll('.wide, .table')).filter(box => {
  const isCut = box.scrollWidth > box.clientWidth + 1
  return box.offsetParent && isCut == box.nextElementSibling.hidden
}).length"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    frame = pd.DataFrame(
        {
            "layer": ["hidden10", "hidden2", "", "Hidden1"] * 5,
            "score": ["0.2, above", "−0.30", "–", "< 0.001"] * 5,
        }
    )
    table = as_table(frame, "Numbers", "A table.", by="score")
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(path, [Section("t", "T", "", tables=[table]), *all_sections()], About(found=["x"]))
    return path.as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url)
            if not request.url.startswith(("file:", "data:")) else None)  # fmt: skip
    page.goto(address)
    yield page
    context.close()
    assert faults == []


def column(page: Any, number: int) -> list[str]:
    return page.evaluate(COLUMN, number)


def test_a_click_sorts_by_value_and_empty_cells_are_last(page: Any) -> None:
    head = page.locator("#t th", has_text="score")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, 2)[::5] == ["0.2, above", "< 0.001", "−0.30", "–"]
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(page, 2)[::5] == ["−0.30", "< 0.001", "0.2, above", "–"]
    words = page.locator("#t th", has_text="layer")
    words.get_by_role("button").click()
    assert column(page, 1)[::5] == ["Hidden1", "hidden2", "hidden10", ""]
    assert head.get_attribute("aria-sort") is None
    words.get_by_role("button").click()
    assert column(page, 1)[::5] == ["hidden10", "hidden2", "Hidden1", ""]


def test_the_keyboard_sorts_too(page: Any) -> None:
    page.locator("#t th button").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.locator("#t th").nth(1).get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert page.locator("#t th").nth(1).get_attribute("aria-sort") == "descending"


def test_a_long_table_is_filtered_and_says_how_much_is_left(page: Any) -> None:
    field = page.locator("#t input[type=search]")
    field.fill("HIDDEN2 −0.3")
    assert column(page, 1) == ["hidden2"] * 5
    assert page.locator("#t output").text_content() == "5 of 20"
    field.fill("")
    assert len(column(page, 1)) == 20
    assert page.locator("#learned input[type=search]").count() == 0  # short ones have none


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_page_and_what_scrolls_says_so(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.wait_for_function("() => document.fonts.status == 'loaded'")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.wait_for_function(f"() => ({CUT})() == 0")
    smallest = page.evaluate(
        "Math.min(...Array.from(document.images, i => i.clientWidth / parseFloat("
        "i.style.getPropertyValue('--drawn'))))"
    )
    assert smallest > 0.95  # of the size that letters of 7 points and more were set in
