"""What all figures share: both themes, two widths, given axes, no global state, and SVG for pages."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from isoperimetry import plots
from isoperimetry.errors import MissingDependency
from isoperimetry.plots import style
from tests.plots.drawn import audit, outside, pixels

CARD = {
    "image": "cat", "sigma": 0.1, "prediction": 0.23, "prediction_low": 0.2, "prediction_high": 0.26,
    "clean_distances": {"an attack": 0.3, "a second attack with a long name": math.inf},
    "noisy_distances": {"an attack": [0.0, 0.2, 0.3]},
}  # fmt: skip
LONG = "a-model-whose-name-is-one-word-that-is-longer-than-a-line"
GROUPS = {"a model with quite a long name": [audit()], LONG: [audit(math.inf), audit(errors=0)], "other": [audit()]}
COUNTS = {"fog": [10, 20, 30, 40, 50], "gaussian_noise": [1, 2, 3, 4, 5], "jpeg_compression": [0, 0, 1, 1, 100]}
CORRUPTIONS = {
    "models": {
        name: {"errors": COUNTS, "trials": 100, "clean_error": {"errors": 9, "trials": 100}}
        for name in ("plain", "noisy")
    }
}
X = np.linspace(-1.0, 3.0, 21)
WRONG = np.broadcast_to(X > 0.25, (21, 21))
WINDOW = (WRONG.astype(int), WRONG, X, X, [[0, 0], [0.25, 0], [0.3, 2.7]])
NAMES = ["plain", "noisy", "adversarial", "masked"]


def rank(**options):
    return plots.rank_agreement(
        [0.1, 0.11, 0.5, 0.1], [0.2, 0.21, 0.9, math.inf], names=NAMES, x_label="error rate", y_label="distance",
        text="Rank correlation 0.8 [0.1, 0.97], of all nets of the run, in words that need two lines of a narrow page",
        **options,
    )  # fmt: skip


DRAW = {
    "distance_against_error_rate": lambda **ax: plots.distance_against_error_rate(GROUPS, **ax),
    "distance_against_sigma": lambda **ax: plots.distance_against_sigma(GROUPS, **ax),
    "halfspace_prediction": lambda **ax: plots.halfspace_prediction(
        {"plain": (np.linspace(0.1, 0.9, 12), np.linspace(0.1, 2.9, 12), [0.0] * 12, [np.inf] * 12)}, **ax
    ),
    "noise_shell": lambda **ax: plots.noise_shell(0.01, sigma=0.1, dim=150_528, **ax),
    "church_window": lambda **ax: plots.church_window(*WINDOW, sigma=0.1, dim=784, error_rate=0.01, name="plain", **ax),
    "corruption_change": lambda **ax: plots.corruption_change(CORRUPTIONS, "plain", **ax),
    "distance_ruler": lambda **ax: plots.distance_ruler(CARD, dim=784, certified=0.01, **ax),
    "rank_agreement": rank,
}
PANELS = {"corruption_accuracy": lambda: plots.corruption_accuracy(CORRUPTIONS)[0]}


@pytest.mark.parametrize("name", [*DRAW, *PANELS])
@pytest.mark.parametrize("pixels_wide", [390, 900])
def test_nothing_leaves_the_picture_on_a_phone_and_on_a_desk(name, pixels_wide):
    with plots.use(width=pixels_wide / 96):
        ax = (DRAW | PANELS)[name]()
    assert ax.figure.get_figwidth() * 96 == pytest.approx(pixels_wide)
    assert outside(ax) <= 1.0


@pytest.mark.parametrize("name", DRAW)
def test_given_axes_are_used_and_returned(name):
    figure = Figure()
    ax = figure.subplots()
    assert DRAW[name](ax=ax) is ax
    assert tuple(figure.get_size_inches()) == (6.4, 4.8)  # a figure that is not ours keeps its size


@pytest.mark.parametrize("name", [*DRAW, *PANELS])
def test_every_colour_is_one_of_the_theme(name):
    with plots.use(theme="dark"):  # the light theme's are those of the style sheet: see below
        ax = (DRAW | PANELS)[name]()
    colours = style.DARK
    known = {colours.ink, colours.pale, colours.paper, colours.missed, colours.missed_ink}
    known |= {*colours.shades, *colours.colours}
    figure = ax.figure
    assert to_hex(figure.get_facecolor()) == colours.paper
    for each in figure.axes:
        texts = [*each.texts, each.xaxis.label, each.yaxis.label, *each.get_xticklabels(), *each.get_yticklabels()]
        texts += each.get_legend().get_texts() if each.get_legend() else []
        assert {to_hex(text.get_color()) for text in texts} <= {colours.ink, colours.missed_ink}
        assert {to_hex(line.get_color()) for line in each.lines} <= known
        assert {to_hex(spine.get_edgecolor()) for spine in each.spines.values()} == {colours.ink}


def test_use_is_undone_and_checked():
    with pytest.raises(RuntimeError), plots.use(theme="dark", width=4):
        assert style.current() is style.DARK
        raise RuntimeError
    assert style.current() is style.LIGHT and plots.noise_shell(0.1, 1.0, 9).figure.get_figwidth() == 9
    with pytest.raises(ValueError, match="theme='sepia' must be one of 'light', 'dark'"), plots.use(theme="sepia"):
        pass
    for width in (2.9, math.nan, math.inf):
        with pytest.raises(ValueError, match="must be at least 3 inches"), plots.use(width=width):
            pass


def test_narrow_figures_have_their_legend_below():
    with plots.use(width=390 / 96):
        ax = DRAW["distance_against_error_rate"]()
    box = ax.get_legend().get_window_extent(pixels(ax))
    assert box.y1 < ax.get_window_extent().y0 and box.x0 < ax.get_window_extent().x1
    wide = DRAW["distance_against_error_rate"]()
    assert wide.get_legend().get_window_extent(pixels(wide)).x0 >= wide.get_window_extent().x1


def test_lines_of_text_are_about_equally_long():
    assert style.wrap("one two three four", 14) == "one two\nthree four"
    assert style.wrap(r"a $x^{2} + y$ b", 5) == "a\n$x^{2} + y$\nb"  # a formula is not broken
    assert style.wrap("kept\nlines", 40) == "kept\nlines"
    assert style.wrap(r"costs 5\$ a piece or 6\$", 100) == r"costs 5\$ a piece or 6\$"
    assert style.wrap("", 9) == ""
    # Only where there is no blank is a word broken, after a hyphen or the like if there is one; \$ is one character.
    assert style.wrap("efficientnet-lite0-noise", 16) == "efficientnet-\nlite0-noise"
    assert style.wrap("in 123456 a", 5) == "in\n1234\n56 a"
    assert style.wrap(r"123\$5678", 5) == r"123\$" + "\n5678"


@pytest.mark.parametrize("theme", style.THEMES.values(), ids=style.THEMES)
def test_colours_are_told_apart_by_the_colour_blind(theme):
    # Viénot, Brettel and Mollon (1999): linear maps to what protanopes and deuteranopes see, in linear RGB.
    protan = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])
    deutan = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    colours = np.array([to_rgb(colour) for colour in theme.colours]) ** 2.2
    for seen in (np.eye(3), protan, deutan):
        seen_colours = np.clip(colours @ seen.T, 0, 1) ** (1 / 2.2)
        gaps = np.linalg.norm(seen_colours[:, None] - seen_colours[None], axis=-1)
        assert gaps[np.triu_indices(len(colours), 1)].min() > 0.1


def contrast(one, other):
    """The contrast of the Web Content Accessibility Guidelines."""

    def luminance(colour):
        rgb = np.array(to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", style.THEMES.values(), ids=style.THEMES)
def test_text_and_marks_stand_out(theme):
    assert min(contrast(theme.ink, behind) for behind in (theme.paper, theme.missed, *theme.shades)) > 4.5
    assert min(contrast(theme.pale, theme.paper), contrast(theme.missed_ink, theme.missed)) > 4.5
    assert min(contrast(colour, theme.paper) for colour in theme.colours[:4]) > 2.9
    steps = [contrast(one, other) for one, other in zip((theme.paper, *theme.shades), theme.shades, strict=False)]
    assert min(steps) > 1.15  # lightness alone tells neighbours apart


# SVG


def test_svg_is_one_element_with_a_name_and_variables_for_colours():
    ax = DRAW["church_window"](ax=Figure().subplots())
    text = plots.to_svg(ax, name="figure-3", title="Windows <of> nets", description='The "plane"')
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("}svg") and root.get("role") == "img"
    titles = {child.get("id"): child.text for child in root if child.tag.rpartition("}")[2] in ("title", "desc")}
    assert titles == {"figure-3-title": "Windows <of> nets", "figure-3-description": 'The "plane"'}
    assert root.get("aria-labelledby").split() == list(titles)
    bare = re.sub(r"var\(--plot-[a-z0-9-]+, #[0-9a-f]{6}\)", "", text)
    assert re.findall(r"#[0-9a-f]{6}\b", bare) == []  # no colour that a page cannot change
    assert "<style" not in text and "<metadata" not in text and "<?xml" not in text
    assert "edge of the errors" in text  # text that is read and found, no outlines


def test_ids_of_several_svgs_do_not_meet():
    ax = DRAW["noise_shell"](ax=Figure().subplots())
    one, other = (plots.to_svg(ax, name=name, title="t") for name in ("a", "b"))
    found = [set(re.findall(r'id="([^"]+)"', text)) for text in (one, other)]
    assert found[0] and not found[0] & found[1]
    used = {first or second for first, second in re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', one)}
    assert used <= found[0] and all(name == "a" or name.startswith("a-") for name in found[0])
    assert one == plots.to_svg(ax, name="a", title="t")
    for name in ("", "1a", "a b", 'a"'):
        with pytest.raises(ValueError, match="ids begin with it"):
            plots.to_svg(ax, name=name, title="t")


def test_the_style_sheet_has_every_variable_in_both_themes():
    css = plots.svg_css()
    light, dark = (dict(re.findall(r"(--plot-[a-z0-9-]+): (#[0-9a-f]{6});", css.splitlines()[i])) for i in (0, 2))
    ax = Figure().subplots()
    text = plots.to_svg(DRAW["distance_against_error_rate"](ax=ax), name="a", title="t")
    used = dict(re.findall(r"var\((--plot-[a-z0-9-]+), (#[0-9a-f]{6})\)", text))
    assert used.items() <= light.items() and set(light) == set(dark)
    assert len(set(light.values())) == len(light)  # else one colour could not be replaced alone
    assert light["--plot-ink"] == style.LIGHT.ink and dark["--plot-ink"] == style.DARK.ink


# the rest of the process


def test_nothing_global_is_touched(tmp_path):
    code = f"""
import sys
from isoperimetry import plots
assert "matplotlib" not in sys.modules
ax = plots.halfspace_prediction({{"net": ([0.1], [0.2])}})
ax.figure.savefig({str(tmp_path / "figure.png")!r})
plots.to_svg(ax, name="a", title="t")
import matplotlib
assert "matplotlib.pyplot" not in sys.modules
assert dict(matplotlib.rcParams) == dict(matplotlib.rcParamsOrig)
"""
    # A backend named in the environment is a setting of its own.
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert (tmp_path / "figure.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("name", [*DRAW, *PANELS])
def test_without_matplotlib_the_extra_is_named(monkeypatch, name):
    monkeypatch.delitem(sys.modules, "matplotlib.figure")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependency, match=rf"{name} needs the package 'matplotlib'.*isoperimetry\[report\]"):
        (DRAW | PANELS)[name]()
