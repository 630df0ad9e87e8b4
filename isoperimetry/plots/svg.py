"""Figures as SVG inside of a page: one file for light, dark and print, with a name for those who do not see it."""

from __future__ import annotations

import dataclasses
import html
import io
import re
from typing import TYPE_CHECKING, Any

from isoperimetry.plots.style import DARK, LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FONTS = "font-family: 'DejaVu Sans', Verdana, sans-serif"


def to_svg(ax: Axes, *, name: str, title: str, description: str = "") -> str:
    """Return the figure of some axes as an element to put into a page.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Any of the figure; drawn in the light theme.
    name : str
        Unlike that of any other figure on the page: letters, digits and hyphens, a letter first. All ids begin so.
    title, description : str
        Read by screen readers in place of the picture.

    Returns
    -------
    str
        An ``<svg>`` element on a transparent background, as wide as its place up to the figure's width. Text is text.
        Colours are variables such as ``var(--plot-ink, #333333)``, for which `svg_css` has values. The same figure
        gives the same text.

    Raises
    ------
    ValueError
        If ``name`` cannot begin an id.

    Examples
    --------
    >>> from isoperimetry import plots
    >>> ax = plots.noise_shell(0.01, sigma=0.1, dim=3072)
    >>> text = plots.to_svg(ax, name="shell", title="The noise shell and the boundary")
    >>> text.startswith('<svg id="shell"'), "<title" in text, "var(--plot-ink, #333333)" in text
    (True, True, True)
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
        raise ValueError(f"name={name!r} must be letters, digits and hyphens with a letter first: ids begin with it.")
    from matplotlib import rc_context

    figure: Any = ax.figure.get_figure(root=True)
    buffer = io.StringIO()
    # The salt makes ids the same in every run.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "isoperimetry"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    body = text[text.index(">", text.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    # A rule for "*" would hold for the whole page.
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = _rounded(_unique_ids(body, name))
    # matplotlib names ten fonts at each text: two of them have the widths for which room was made.
    body = re.sub(r"font-family: [^;\"]*", _FONTS, body)
    for variable, (light, _) in _variables().items():
        body = body.replace(light, f"var({variable}, {light})")
    width, height = (72.0 * float(length) for length in figure.get_size_inches())
    labelled = f'aria-labelledby="{name}-title' + (f' {name}-description"' if description else '"')
    told = f'<title id="{name}-title">{html.escape(title)}</title>'
    if description:
        told += f'<desc id="{name}-description">{html.escape(description)}</desc>'
    return (
        f'<svg id="{name}" role="img" {labelled} xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width:g} {height:g}" '
        f'style="width: 100%; max-width: {width / 72 * 96:.0f}px; height: auto; stroke-linejoin: round; '
        f'stroke-linecap: butt">{told}{body.strip()}'
    )


def _rounded(body: str) -> str:
    """Return the drawing with coordinates to a hundredth of a point: shorter, and no eye can tell."""

    def short(match: re.Match[str]) -> str:
        return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")

    return re.sub(r' (?:d|x|y|width|height)="[^"]*"', lambda match: re.sub(r"-?\d+\.\d{3,}", short, match[0]), body)


def svg_css() -> str:
    """Return the style sheet with the colours of `to_svg`, for light and dark pages and for print.

    Returns
    -------
    str
        CSS. A page with a switch of its own sets the attribute ``data-theme`` of its root to "light" or "dark".

    Examples
    --------
    >>> print(svg_css().splitlines()[0])
    :root, :root[data-theme="light"] { --plot-ink: #333333; --plot-pale: #757575; --plot-paper: #ffffff; ...
    """
    light, dark = (" ".join(f"{variable}: {colours[i]};" for variable, colours in _variables().items()) for i in (0, 1))
    return (
        f':root, :root[data-theme="light"] {{ {light} }}\n'
        f'@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {dark} }} }}\n'
        f'@media screen {{ :root[data-theme="dark"] {{ {dark} }} }}\n'
    )


def _variables() -> dict[str, tuple[str, str]]:
    """Return CSS variable -> (colour in light, colour in dark)."""
    names = {}
    for field in dataclasses.fields(Theme):
        light, dark = getattr(LIGHT, field.name), getattr(DARK, field.name)
        name = "--plot-" + field.name.replace("_", "-")
        if isinstance(light, str):
            names[name] = (light, dark)
        else:
            names |= {f"{name[:-1]}-{i}": pair for i, pair in enumerate(zip(light, dark, strict=True))}
    return names


def _unique_ids(body: str, name: str) -> str:
    """Drop ids that nothing refers to, and let the others begin with the figure's name."""
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', body))
    referred = {first or second for first, second in used}

    def rename(match: re.Match[str]) -> str:
        return f' id="{name}-{match[1]}"' if match[1] in referred else ""

    body = re.sub(r' id="([^"]+)"', rename, body)
    return re.sub(r"url\(#|href=\"#", lambda match: f"{match[0]}{name}-", body)
