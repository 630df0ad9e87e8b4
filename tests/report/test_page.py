from __future__ import annotations

import base64
import csv
import io
import itertools
import json
import math
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from isoperimetry import cli
from isoperimetry.report import cards, cells, drawings, figures, html_page, load, markdown_page, page, pictures
from isoperimetry.report.verdicts import model_verdict
from tests.report import folders

NASTY = folders.NASTY


class Outline(HTMLParser):
    """What the tests look at: tags, ids, references, headings, text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.targets, self.urls, self.levels, self.alts, self.handlers = [], [], [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.urls += [values[key] for key in ("href", "src", "xlink:href") if key in values]
        self.levels += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.handlers += [key for key in values if key.startswith("on")]
        self.alts += [values.get("alt")] if tag == "img" else []


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return folders.page(tmp_path_factory)


def test_the_page_stands_alone_and_holds_together(text):
    outline = Outline(text)
    assert text.startswith("<!doctype html>") and '<html lang="en">' in text
    assert len(outline.ids) == len(set(outline.ids))
    assert all(url.startswith(("#", "data:")) for url in outline.urls)
    assert {url[1:] for url in outline.urls if url.startswith("#")} <= set(outline.ids)
    assert not re.findall(r"url\((?!#)", text) and "@import" not in text
    assert outline.levels[0] == 1 and outline.levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(outline.levels, outline.levels[1:], strict=False))
    assert outline.alts and all(outline.alts)
    assert "undefined" not in text and ">nan<" not in text


def test_the_verdict_comes_first(text):
    body = text[text.index("<main") :]
    assert body.index("PGD provably misses errors on masked.") < body.index("What was measured")
    assert "on at least 2 of 2 inputs" in body


def test_a_hostile_name_is_harmless(text):
    outline = Outline(text)
    assert outline.tags.count("script") == 1 and "b" not in outline.tags and not outline.handlers
    assert "&lt;script&gt;alert(1)" in text
    assert NASTY.replace("<", r"\<").split(">")[0] in markdown_page(folders.cached)


def test_the_data_of_a_figure_are_those_of_the_record(text):
    found = re.findall(r'download="distances-from-noise.csv" href="data:text/csv;charset=utf-8,([^"]*)"', text)
    rows = list(csv.DictReader(io.StringIO(unquote(found[0]))))
    audits = [audit for model in folders.cached.models for audit in model.audits]
    assert [float(row["bound"]) for row in rows] == [audit.bound for audit in audits]
    assert {row["model"] for row in rows} == {"clean", NASTY, "masked"}
    report = re.search(r'download="report.json" href="data:application/json;charset=utf-8,([^"]*)"', text)[1]
    assert json.loads(unquote(report))["headline"] == "PGD provably misses errors on masked."


def test_pictures_are_the_pixels(text):
    uri = re.search(r'src="data:image/png;base64,([^"]*)"[^>]*alt="Image 0, clean: the image"', text)[1]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri))))
    assert (pixels == folders.cached.pictures.get(0, 0, "image")[0]).all()
    # .02 of a box of width 1: 20 times that is .4, 50 times is more than half of the range
    assert "difference \u00d720" in text


def test_a_difference_is_magnified_as_far_as_it_fits():
    for largest, factor in ((0.02, 20), (0.5, 1), (0.3, 1), (0.004, 100)):
        levels, found = pictures.magnified(np.array([largest, -largest, 0.0]), (0.0, 1.0))
        assert found == factor and levels[2] == 128
        assert levels[0] == min(255, int(255 * (0.5 + factor * largest) + 0.5))
    levels, found = pictures.magnified(np.array([2.0, -0.5]), (0.0, 1.0))
    assert found == 0.2 and levels.tolist() == [230, 102]  # by what it says
    assert pictures.magnified(np.array([2.0]), (-1.0, 9.0))[1] == 2
    with pytest.raises(ValueError, match="NaN"):
        pictures.magnified(np.array([np.nan]), (0.0, 1.0))


def test_images_that_cannot_be_drawn_are_told_on_the_card(tmp_path):
    models = [folders.model("net", [folders.image(0), folders.image(1)])]
    folder = folders.write(tmp_path / "run", models)
    folders.draw(folder, models, shape=(2, 8, 8))
    results = load(folder)
    card = cards.card(results, 0, results.models[0].images[0], name="x")
    assert card["pictures"] == [] and "cannot be drawn" in card["why_none"] and "(2, 8, 8)" in card["why_none"]
    told = load(folders.write(tmp_path / "told", models, pictures="Inputs of shape (5,) cannot be drawn."))
    assert cards.card(told, 0, told.models[0].images[0], name="x")["why_none"].startswith("Inputs of shape (5,)")


def test_places_on_the_ruler():
    results = folders.cached
    ruler = cards.ruler(results.models[0], results.models[0].images[0])
    rows = {(row["group"], row["text"]): row for row in ruler["rows"]}
    prediction, shell = rows[cards.IMAGE, "half-space prediction"], rows[cards.IMAGE, "a typical noisy copy"]
    bound, attack = rows[cards.NOISY, "bound on the median"], rows[cards.NOISY, "PGD, median"]
    image, audit = results.models[0].images[0], results.models[0].audits[0]
    assert shell["said"] == "0.800"  # .1 times the root of 64
    assert prediction["low"] < prediction["place"] < prediction["high"] < shell["place"]
    assert attack["place"] < bound["place"] == attack["beyond"] and prediction["beyond"] is None
    # a linear axis: places are to each other as the numbers
    assert not ruler["log"]
    assert bound["place"] / prediction["place"] == pytest.approx(audit.bound / image.prediction, rel=1e-3)
    masked = cards.ruler(results.models[2], results.models[2].images[0])
    assert next(r for r in masked["rows"] if r["text"] == "PGD, median")["place"] > bound["place"]


def test_what_is_not_found_or_not_bounded_lies_at_the_edge(tmp_path):
    record = folders.image(0, errors=0)
    record["clean_distances"] = {"PGD": "inf", "DDN": 0.001}
    (model,) = load(folders.write(tmp_path / "run", [folders.model("net", [record])])).models
    ruler = cards.ruler(model, model.images[0])
    rows = {(row["kind"], row["text"].split(",")[0]): row for row in ruler["rows"]}
    assert ruler["log"] and rows["found", "PGD"]["edge"] == "right" and rows["found", "PGD"]["said"] == "none found"
    assert rows["bound", "bound on the median"]["said"] == "none" and rows["noisy", "PGD"]["beyond"] is None
    assert ("noise", "a typical noisy copy") not in rows  # the dimension is not known
    assert rows["prediction", "half-space prediction"]["said"].startswith("\u2265 ")  # no error: a lower limit alone
    verdict = model_verdict(model)
    assert verdict["word"] == "PGD consistent with the bound"
    assert "On 1 of 1 image no bound follows" in " ".join(verdict["sentences"])


def test_the_numbers_of_an_axis_have_room():
    for high in (8.0, 60.0, 190.0, 201.0, 5e3):
        ticks = [math.log(tick) / math.log(high) for tick in cards._log_ticks(1.0, high)]
        assert min((b - a for a, b in itertools.pairwise(ticks)), default=1) > 0.12


def test_a_table_rounds_bounds_up_and_keeps_digits():
    assert [cells.bound_cell(value).text for value in (0.25931, 0.0096, 0.00123401, math.inf, 0.0)] == [
        "0.260", "0.00960", "0.00124", "none", "0.000",
    ]  # fmt: skip
    assert [cells.length_cell(value).text for value in (0.25931, 0.0027, 163.4822)] == ["0.259", "0.00270", "163.482"]


def test_a_figure_without_its_title_is_laid_out_again():
    made = figures.draw_figure(
        lambda: figures.plots.noise_shell(0.015, sigma=0.244, dim=784),
        name="a", title="t", caption="", file="", data="",
    )  # fmt: skip
    for drawing in made.drawings.values():
        left = re.search(r'rotate\(-90 ([-0-9.]+) [-0-9.]+\)">across', drawing)
        assert float(left[1]) >= 9  # the height of its letters


def test_the_dimension_comes_from_the_record_where_there_are_no_pictures(tmp_path):
    folder = folders.write(tmp_path / "run", [folders.model("net", [folders.image(0)])], dim=784)
    (model,) = load(folder).models
    rows = {row["kind"]: row for row in cards.ruler(model, model.images[0])["rows"]}
    assert model.dim == 784 and rows["noise"]["said"] == "2.80"  # .1 times the root of 784


def test_a_reproduction_has_its_extras_on_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "WIDTHS", {"wide": 4.0})
    drawn = []
    monkeypatch.setattr(
        figures.plots, "to_svg", lambda ax, **told: drawn.append(told["name"]) or f"<svg id={told['name']}></svg>"
    )
    monkeypatch.setattr(page, "figures", lambda leaf, prefix: [])
    results = load(folders.reproduction(tmp_path / "all"))
    made = drawings.figures(results.parts[0], prefix="c0")
    assert {"c0-windows", "c0-corruptions", "c0-change", "c0-shell"} <= {figure.name for figure in made}
    monkeypatch.setattr(figures, "WIDTHS", {"wide": 4.0, "narrow": 4.0})
    text, told = html_page(results), markdown_page(results)
    assert "x0-agreement0-wide" in drawn
    outline = Outline(text)
    assert len(outline.ids) == len(set(outline.ids))
    for words in ("Three nets are few.", "A failed attack counts as found.", "mean without fog and contrast"):
        assert words in text and words in told
    assert "23.67 %" not in text and "27.00 %" in text  # the mean of 42, 32, 22 per cent noise and 12 per cent fog


@pytest.fixture
def run(capsys):
    def call(*words):
        with pytest.raises(SystemExit) as stop:
            cli.main([*map(str, words)])
        out, err = capsys.readouterr()
        return stop.value.code, out, err

    return call


def test_the_command_writes_markdown_and_json(run, tmp_path):
    folder = folders.write(tmp_path / "run")
    code, out, _ = run("report", folder)
    assert code == 0 and out.startswith("# PGD provably misses errors on masked.")
    assert "| masked | convicted |" in re.sub(" +", " ", out) and "isoperimetry check --images 3" in out
    code, out, _ = run("report", folder, folder, "--json", "--out", tmp_path / "both.json")
    record = json.loads((tmp_path / "both.json").read_text())
    assert code == 0 and "both.json" in out and len(record["comparisons"]) == 3
    assert "Runs compared" in run("report", folder, folder, "--markdown")[1]


def test_the_command_refuses_in_one_line(run, tmp_path):
    folder = folders.write(tmp_path / "run")
    for words in ((tmp_path,), (folder, "--html", "--json"), (folder, tmp_path / "none"), ()):
        code, _, err = run("report", *words)
        assert code == 2 and len(err.strip().splitlines()) == 1


def test_the_command_writes_the_page_beside_the_results(run, tmp_path, monkeypatch):
    monkeypatch.setattr("isoperimetry.report.html_page", lambda *results: "<p>\u03c3</p>")
    folder = folders.write(tmp_path / "run")
    assert run("report", folder, "--html")[0] == 0
    assert (folder / "report.html").read_text(encoding="utf-8") == "<p>\u03c3</p>"


def test_every_verdict_has_a_tone():
    # "attack failing" and not convicted: of many images one may fail alone, and not beside the others.
    from isoperimetry.checks import AuditVerdict
    from isoperimetry.report.tables import TONES

    assert set(TONES) == {"convicted", "not audited", *(verdict.value for verdict in AuditVerdict)}
