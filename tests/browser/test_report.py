"""The page in a browser, Debian's Chromium; ISOPERIMETRY_SCREENSHOTS names a folder in which pictures are kept."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.report import folders

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the path")
OPTIONS = ["--no-sandbox", "--disable-background-networking"]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("browser") / "report.html"
    file.write_text(folders.page(tmp_path_factory), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def shots(tmp_path):
    folder = Path(os.environ.get("ISOPERIMETRY_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def visit(browser, file):
    """Open the page; every message on the console, error and request beside the page itself fails the test."""
    contexts, wrong = [], []

    def visit(width=1440, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}") or dialog.dismiss())
        page.on("request", lambda r: r.url.startswith(("data:", file.as_uri())) or wrong.append(f"request: {r.url}"))
        page.goto(file.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert wrong == []


def column(page, label, place):
    return page.locator(f'[aria-label="{label}"] tbody tr').evaluate_all(
        f"rows => rows.map(row => row.cells[{place}].textContent.trim())"
    )


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_window(visit, shots, width):
    page = visit(width)
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """() => [...document.querySelectorAll("main *")].filter((one) => {
          const box = one.getBoundingClientRect();
          return box.right > innerWidth + 1 && !one.closest(".scroll, svg");
        }).map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert outside == []
    assert page.locator("caption").evaluate_all("all => all.every(one => one.offsetWidth <= innerWidth)")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=shots / f"report-{scheme}-{width}.png", full_page=True)


def test_a_table_sorts_by_mouse_and_by_keyboard(visit):
    page = visit()
    label, heading = "Every image of every model", "p (Holm)"
    button = page.locator(f'[aria-label="{label}"] thead button', has_text=heading)
    head = page.locator(f'[aria-label="{label}"] thead th', has_text=heading)
    assert head.get_attribute("aria-sort") is None
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    values = column(page, label, 3)
    known = [float(value) for value in values if value != "\u2013"]
    assert known == sorted(known) and known[0] < 1e-9 < known[-1]
    assert values[-2:] == ["\u2013", "\u2013"]
    button.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    values = column(page, label, 3)
    assert [float(value) for value in values[:-2]] == sorted(known, reverse=True)
    assert values[-2:] == ["\u2013", "\u2013"]  # what is not known stays last
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "ascending"
    page.locator(f'[aria-label="{label}"] thead button', has_text="model").click()
    assert head.get_attribute("aria-sort") is None
    names = column(page, label, 1)
    assert names[:3] == [folders.NASTY] * 3 and names[3:] == ["clean"] * 3 + ["masked"] * 3


def test_links_lead_to_what_they_name(visit):
    page = visit()
    page.locator("nav a", has_text="Provenance").click()
    assert page.evaluate("document.querySelector('#c0-provenance').getBoundingClientRect().top") < 900
    page.locator('[aria-label="Every image of every model"] tbody tr', has_text="masked").first.locator("a").click()
    assert page.url.endswith("#c0-m2-i0")
    assert page.locator(".card:target h4").inner_text() == "Image 0, masked"
    with page.expect_download() as download:
        page.locator("a.data", has_text="distances-from-noise.csv").click()
    assert download.value.suggested_filename == "distances-from-noise.csv"
    assert Path(download.value.path()).read_text().startswith("model,image,errors,trials,sigma")


def test_the_first_key_skips_to_the_report(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_theme_follows_the_system_until_the_reader_chooses(visit):
    page = visit(color_scheme="dark")
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    ink = "getComputedStyle(document.querySelector('.plot text')).fill"
    dark, button = (page.evaluate(colour), page.evaluate(ink)), page.locator("#theme")
    assert button.inner_text() == "Light"
    button.click()
    light = page.evaluate(colour), page.evaluate(ink)
    assert button.inner_text() == "Dark" and light[0] != dark[0] and light[1] != dark[1]
    page.emulate_media(color_scheme="light")
    assert (page.evaluate(colour), page.evaluate(ink)) == light
    page.reload()
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) == light[0]  # the choice is kept


def test_it_prints_open_and_on_white(visit, shots):
    page = visit(color_scheme="dark")
    count = "document.querySelectorAll('details:not([open])').length"
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.closed_at_print = {count}; }})")
    printed = page.pdf(path=shots / "report.pdf", format="A4")
    assert printed.startswith(b"%PDF") and len(printed) > 20_000
    assert page.evaluate("window.closed_at_print") == 0
    assert page.locator("details[open]").count() == 0  # closed again
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible() and not page.locator("#theme").is_visible()
    page.set_viewport_size({"width": 690, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 690
    page.screenshot(path=shots / "report-print.png", full_page=True)


def test_what_a_screen_reader_is_told(visit):
    page = visit()
    for role, name in (("main", None), ("navigation", "Contents"), ("region", "Models"), ("button", "Dark")):
        assert page.get_by_role(role, name=name, exact=True).count() == 1
    assert page.get_by_role("img", name="Image 0, clean: nearest error found").count() == 1
    assert page.get_by_role("list", name="Distances of image 0, clean").get_by_role("listitem").count() == 9
    assert page.get_by_role("columnheader", name="errors in noise").count() == 2
    plot = page.get_by_role("img", name="Distances from noisy copies, against the error rate in noise")
    assert plot.count() == 1  # the drawing for narrow windows is not there in a wide one
