"""What the tests of figures read from them."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from isoperimetry.checks import audit_attack


def audit(distance=0.2, errors=20, trials=1000, sigma=0.1, n=30, **options):
    """Audit an attack that reached about ``distance`` from ``n`` starts, one of them in error already."""
    spread = np.linspace(0.9, 1.1, n - 1) if math.isfinite(distance) else 1.0
    return audit_attack(
        [0.0, *np.broadcast_to(distance * spread, n - 1)], errors=errors, trials=trials, sigma=sigma, **options
    )


def points(ax, name):
    """Return the markers of a group, without its bars."""
    return [line for line in ax.lines if line.get_label() == f"_{name}"]


def legend(ax):
    names = [text.get_text().replace("\n", " ") for text in ax.get_legend().get_texts()]
    return dict(zip(names, ax.get_legend().legend_handles, strict=True))


def pixels(ax):
    canvas = FigureCanvasAgg(ax.figure.get_figure(root=True))
    canvas.draw()
    return canvas.get_renderer()


def outside(ax):
    """Return by how many pixels text or legends of a figure leave it, at most."""
    figure = ax.figure.get_figure(root=True)
    renderer = pixels(ax)
    box = figure.get_tightbbox(renderer).padded(0.0)
    width, height = figure.get_size_inches()
    return max(-box.x0, -box.y0, box.x1 - width, box.y1 - height) * figure.dpi
