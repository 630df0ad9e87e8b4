"""The theory pages are what docs/make_theory.py makes of the catalogue; their formulas parse and their examples run."""

from __future__ import annotations

import doctest
import re
import sys
import types
from pathlib import Path

import pytest

from isoperimetry.bounds import THEOREMS

DOCS = Path(__file__).parent.parent / "docs"
FOLDER = DOCS / "theory"
OWN = ("make_theory", "theory_introduction", "pictures")


@pytest.fixture(scope="module")
def generator():
    """The generator as a module; what it imports from docs is forgotten afterwards."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    before = list(sys.path)
    sys.path.insert(0, str(DOCS))
    try:
        import make_theory  # type: ignore[import-not-found]

        yield make_theory
    finally:
        sys.path[:] = before
        for name in [name for name in sys.modules if name.split(".")[0] in OWN]:
            del sys.modules[name]


@pytest.fixture(scope="module")
def made(generator):
    return generator.texts()


def test_every_theorem_has_an_entry_a_page_and_a_picture(generator):
    names = {theorem.name for theorem in THEOREMS}
    assert set(generator.PAGES) == names
    slugs = {generator.slug(name) for name in names}
    assert {path.stem for path in FOLDER.glob("*.md")} == slugs | {"README"}
    assert {path.stem for path in (FOLDER / "images").glob("*.png")} == slugs
    assert len({page.title for page in generator.PAGES.values()}) == len(names)


def test_pages_are_up_to_date(generator, made):
    assert generator.out_of_date(made) == []


def test_a_page_that_is_out_of_date_is_named(generator, made, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(generator, "FOLDER", tmp_path)
    monkeypatch.setattr(generator, "texts", lambda: made)
    monkeypatch.setattr(generator, "PAGES", {})
    assert generator.main(["--texts"]) == 0 and generator.main(["--check"]) == 0
    (tmp_path / "noise-norm.md").write_text("edited by hand")
    (tmp_path / "stray.md").write_text("no theorem")
    (tmp_path / "norm-distance.md").unlink()
    assert generator.main(["--check"]) == 1
    named = re.findall(r"docs/theory/(\S+) is out of date", capsys.readouterr().out)
    assert named == ["noise-norm.md", "norm-distance.md", "stray.md"]


def test_pages_say_what_the_records_say(made):
    for theorem in THEOREMS:
        text = made[f"{theorem.name.lower().replace('_', '-')}.md"]
        assert f"```math\n{theorem.formula}\n```" in text
        assert theorem.cite().split("\n\n", 1)[1] in text
        assert f"**{theorem.label}**" in text and f"`{theorem.function}`" in text
        assert ("## A common mistake" in text) == bool(theorem.mistake)
        assert made["README.md"].count(f"`{theorem.name}`") == 1
    for word in ("2.326 sigma", "388.0 sigma", "29.65", "389.62", "3.059", "2.330", "76 %"):
        assert word in made["README.md"]


def test_markdown_shows_every_character(generator):
    assert generator.escape("sigma**2 <= l_p, |w|_q") == r"sigma\*\*2 <= l_p, \|w\|\_q"
    assert generator.escape("P[d](x) <b> `c`") == r"P[d\](x) \<b> \`c\`"
    words = "word " * 40
    lines = generator.fill(f"# {words}\n\n- {words}\n- {words}").splitlines()
    assert lines[0] == f"# {words}" and lines[3].startswith("  word") and len(lines) == 6
    assert max(map(len, lines[1:])) <= 120


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda theorem: theorem.name)
def test_formulas_parse(theorem):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    width, height, *_ = mathtext.MathTextParser("path").parse(f"${theorem.formula}$")
    assert width > 0 and height > 0


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda theorem: theorem.name)
def test_examples_run(theorem):
    path = FOLDER / f"{theorem.name.lower().replace('_', '-')}.md"
    outcome = doctest.testfile(str(path), module_relative=False)
    assert outcome.attempted >= 2 and outcome.failed == 0


def test_examples_are_about_their_theorem(generator):
    for theorem in THEOREMS:
        called = theorem.bound.__name__
        example = generator.PAGES[theorem.name].example
        assert f"{called}(" in example or f"{called.replace('quantile_', 'median_')}(" in example, theorem.name


@pytest.mark.parametrize("name", ["GAUSSIAN_ENLARGEMENT", "SPHERE_GAUSSIAN_ENLARGEMENT"])
def test_pictures_can_be_drawn(generator, tmp_path, name):
    path = tmp_path / "picture.png"
    save = sys.modules["pictures"].save
    assert isinstance(generator.PAGES[name].draw, types.FunctionType)
    assert save(name, path) and not save(name, path)  # the second time nothing changes
    assert 3_000 < path.stat().st_size < 40_000


def test_pictures_are_small_and_of_one_size():
    image = pytest.importorskip("PIL.Image")
    for path in (FOLDER / "images").glob("*.png"):
        assert path.stat().st_size < 40_000, path.name
        with image.open(path) as picture:
            assert picture.size == (700, 450), path.name
