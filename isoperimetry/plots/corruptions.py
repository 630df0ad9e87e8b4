"""Accuracy under corruptions of the images: by severity, and its change against a baseline model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isoperimetry import _validate
from isoperimetry.intervals import clopper_pearson
from isoperimetry.plots.style import (
    DASHES,
    MARKERS,
    NARROW,
    axes,
    characters,
    current,
    finish,
    ink,
    key,
    new_figure,
    patch,
    title,
    wrap,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


class _Errors(NamedTuple):
    """Of one model: errors by corruption and severity, among ``trials`` images each; (errors, trials) without."""

    counts: dict[str, list[int]]
    trials: int
    clean: tuple[int, int] | None


def corruption_accuracy(
    corruptions: Mapping[str, Any],
    *,
    models: Sequence[str] | None = None,
    confidence: float = 0.95,
    ax: Sequence[Axes] | None = None,
) -> NDArray[np.object_]:
    """Draw the accuracy of models under each corruption, by severity: a small picture for each corruption.

    Parameters
    ----------
    corruptions : mapping
        What ``corruptions.json`` of a folder of results holds: under "models" for each model "errors" (for each
        corruption the errors at severities 1, 2, ...), "trials" (images each) and, if known, "clean_error" ("errors"
        among "trials" without corruption).
    models : sequence of str, optional
        Which models, in which order; None: all.
    confidence : float
        Of each interval, in (0, 1).
    ax : sequence of matplotlib.axes.Axes, optional
        Where to draw, at least as many as corruptions; None: a new figure.

    Returns
    -------
    array of matplotlib.axes.Axes, shape (n_corruptions,)
        x: severity, with 0 for the images as they are; y: accuracy in per cent.

    Raises
    ------
    ValueError
        If there is no model or corruption, models have different corruptions, or counts are no errors of trials.
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    Bands are Clopper-Pearson intervals for images like these, each for itself. Models are told apart by marker, line
    style and colour.

    Source: Ford, Gilmer, Carlini, Cubuk (2019), Adversarial Examples Are a Natural Consequence of Test Error in Noise,
    figure 5; the corruptions are those of Hendrycks, Dietterich (2019).

    Examples
    --------
    >>> fog = {"errors": {"fog": [10, 20, 30, 40, 50]}, "trials": 100}
    >>> axes = corruption_accuracy({"models": {"plain": fog}})
    >>> axes[0].lines[0].get_ydata().tolist()
    [90.0, 80.0, 70.0, 60.0, 50.0]
    """
    read = _read(corruptions, models)
    confidence = _validate.as_confidence(confidence)
    kinds = list(next(iter(read.values())).counts)
    panels, columns = _panels(len(kinds)) if ax is None else (_given(ax, len(kinds)), 1)
    theme = current()
    says = "severity" if any(model.clean is None for model in read.values()) else "severity (0: none)"
    for place, (kind, panel) in enumerate(zip(kinds, panels, strict=True)):
        for (name, model), colour, marker, dashes in zip(
            read.items(), cycle(theme.colours), cycle(MARKERS), cycle(DASHES)
        ):
            errors = np.array(model.counts[kind])
            severity, trials = np.arange(1, errors.size + 1), np.full(errors.size, model.trials)
            if model.clean is not None:
                severity, errors, trials = (
                    np.insert(array, 0, value)
                    for array, value in ((severity, 0), (errors, model.clean[0]), (trials, model.clean[1]))
                )
            band = clopper_pearson(errors, trials, confidence=confidence)
            panel.fill_between(
                severity, 100 * (1 - band.high), 100 * (1 - band.low), color=colour, alpha=0.2, linewidth=0
            )
            panel.plot(
                severity, 100 * (1 - errors / trials), color=colour, marker=marker, linestyle=dashes, markersize=4.5,
                linewidth=1.5, label=f"_{name}",
            )  # fmt: skip
        panel.set(ylim=(0, 100), xticks=severity, xlim=(severity[0] - 0.2, severity[-1] + 0.2))
        panel.set_yticks([0, 50, 100])
        panel.set_title(kind.replace("_", " "), loc="left", fontsize=10, color=theme.ink)
        panel.grid(True, color=theme.ink, alpha=0.12, linewidth=0.8)
        ink(panel)
        if ax is None:
            lowest = place >= len(kinds) - columns
            panel.tick_params(labelbottom=lowest, labelleft=place % columns == 0)
            panel.set_xlabel(
                says if place // columns == (len(kinds) - 1) // columns else "", fontsize=9, color=theme.ink
            )
    handles: list[Artist] = [
        key(name, marker, colour=colour, linestyle=dashes)
        for name, colour, marker, dashes in zip(read, theme.colours * 9, MARKERS * 9, DASHES * 9)  # noqa: B905
    ]
    handles.append(
        patch(f"{100 * confidence:g} % intervals (Clopper-Pearson, each alone)", facecolor=theme.pale, alpha=0.4)
    )
    figure: Any = panels[0].figure
    if ax is None:
        width = float(figure.get_figwidth())
        figure.supylabel("accuracy (%)", fontsize=10, color=theme.ink)
        text = "Accuracy under corruptions, by severity"
        figure.suptitle(wrap(text, characters(width, 12)), x=0.01, ha="left", fontsize=12, color=theme.ink)
        labels = [wrap(str(handle.get_label()), characters(width - 0.7, 9)) for handle in handles]
        figure.legend(
            handles=handles, labels=labels, loc="outside lower left", frameon=False,
            ncols=1 if width < NARROW else min(len(handles), 3), fontsize=9, labelcolor=theme.ink,
        )  # fmt: skip
    else:
        finish(panels[-1], handles)
    return panels


def corruption_change(
    corruptions: Mapping[str, Any],
    baseline: str,
    *,
    models: Sequence[str] | None = None,
    confidence: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    r"""Draw by how much each model's accuracy under each corruption differs from that of a baseline model.

    Parameters
    ----------
    corruptions : mapping
        As in `corruption_accuracy`.
    baseline : str
        The model with which the others are compared.
    models : sequence of str, optional
        Which others, in which order; None: all.
    confidence : float
        Of the band of chance, in (0, 1).
    ax : matplotlib.axes.Axes, optional
        Where to draw; None: a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        x: change of the mean accuracy over the severities, in percentage points; y: corruptions, by the first model's
        change.

    Raises
    ------
    ValueError
        As `corruption_accuracy`; if the baseline is not among the models, or is the only one, or if models were
        measured on different numbers of images or severities.
    MissingDependency
        If matplotlib is not installed.

    Notes
    -----
    The band shows changes that may be chance: Hoeffding's inequality for the means of n independent differences in
    [-1, 1], half-width :math:`\sqrt{2 \log(2 / \alpha) / n}`, each corruption and model for itself. It needs the models
    to have seen the same images and nothing else, and is wide.

    Source: Ford, Gilmer, Carlini, Cubuk (2019), Adversarial Examples Are a Natural Consequence of Test Error in Noise:
    training with noise helps against noise and blur, and hurts under fog and contrast. Hoeffding (1963), Probability
    inequalities for sums of bounded random variables, J. Amer. Statist. Assoc. 58, theorem 2.

    Examples
    --------
    >>> errors = {"plain": {"fog": [10, 20]}, "noisy": {"fog": [30, 40]}}
    >>> record = {"models": {name: {"errors": counts, "trials": 100} for name, counts in errors.items()}}
    >>> ax = corruption_change(record, "plain")
    >>> ax.lines[-1].get_xdata().tolist()
    [-20.0]
    """
    everything = _read(corruptions, None)
    confidence = _validate.as_confidence(confidence)
    if baseline not in everything:
        raise ValueError(f"baseline={baseline!r} must be one of {', '.join(map(repr, everything))}.")
    chosen = _read(corruptions, models)
    chosen.pop(baseline, None)
    if not chosen:
        raise ValueError(f"corruptions has no model besides {baseline!r}: there is no change to draw.")
    base = everything[baseline]
    for name, model in chosen.items():
        if model.trials != base.trials or any(
            len(model.counts[kind]) != len(base.counts[kind]) for kind in base.counts
        ):
            raise ValueError(
                f"corruptions has {name!r} on other numbers of images or severities than {baseline!r}: they cannot be "
                "compared."
            )
    changes = {
        name: {kind: _accuracy(model, kind) - _accuracy(base, kind) for kind in base.counts}
        for name, model in chosen.items()
    }
    first = next(iter(changes.values()))
    kinds = sorted(first, key=lambda kind: first[kind])
    ax, theme = axes("corruption_change", ax, height=1.6 + 0.3 * len(kinds)), current()
    chance = 100 * math.sqrt(2 * math.log(2 / (1 - confidence)) / base.trials)
    ax.axvspan(-chance, chance, color=theme.shades[0], zorder=0)
    ax.axvline(0.0, color=theme.ink, linewidth=1.2, zorder=1)
    handles: list[Artist] = []
    for (name, change), colour, marker in zip(changes.items(), cycle(theme.colours), cycle(MARKERS)):
        ax.plot(
            [change[kind] for kind in kinds], range(len(kinds)), color=colour, marker=marker, markersize=7,
            markeredgecolor=theme.paper, linestyle="none", label=f"_{name}", zorder=3,
        )  # fmt: skip
        handles.append(key(name, marker, colour=colour))
    handles += [
        key(f"as {baseline}", "", colour=theme.ink, linestyle="solid"),
        patch(
            f"may be chance: within {chance:.2g} points ({100 * confidence:g} %, Hoeffding, each alone)",
            facecolor=theme.shades[0],
        ),
    ]
    reach = 1.1 * max(chance, *(abs(value) for change in changes.values() for value in change.values()))
    ax.set(xlim=(-reach, reach), ylim=(-0.7, len(kinds) - 0.3), yticks=range(len(kinds)))
    ax.set_yticklabels([kind.replace("_", " ") for kind in kinds])
    ax.set_xlabel("change of the mean accuracy over severities (percentage points)")
    title(ax, f"Accuracy under corruptions, against {baseline}", left=1.4)
    finish(ax, handles)
    return ax


def _read(corruptions: Mapping[str, Any], models: Sequence[str] | None) -> dict[str, _Errors]:
    """Return the counts of the models that are asked for, checked."""
    measured = corruptions.get("models") or {}
    for name in models or ():
        if name not in measured:
            raise ValueError(f"models names {name!r}, but corruptions has {', '.join(map(repr, measured)) or 'none'}.")
    names = list(measured) if models is None else list(models)
    if not names:
        raise ValueError("corruptions must hold at least one model: there is nothing to draw.")
    read = {}
    for name in names:
        counts, clean = measured[name]["errors"], measured[name].get("clean_error")
        _, trials = _validate.as_errors_of_trials(0, measured[name]["trials"])
        if not counts or not all(counts.values()) or not trials:
            raise ValueError(f"corruptions has no errors or no trials of {name!r}: there is nothing to draw.")
        for each in counts.values():
            for count in each:
                _validate.as_errors_of_trials(count, trials)
        pair = None if clean is None else _validate.as_errors_of_trials(clean["errors"], clean["trials"])
        read[name] = _Errors({kind: list(each) for kind, each in counts.items()}, trials, pair)
    first = read[names[0]].counts
    for name, model in read.items():
        if set(model.counts) != set(first):
            odd = sorted(set(model.counts) ^ set(first))[0]
            raise ValueError(f"corruptions has {odd!r} for one of {names[0]!r} and {name!r} alone: give both the same.")
    return read


def _accuracy(model: _Errors, kind: str) -> float:
    """Return the mean accuracy over the severities, in per cent."""
    return 100.0 * (1.0 - sum(model.counts[kind]) / (len(model.counts[kind]) * model.trials))


def _panels(count: int) -> tuple[NDArray[np.object_], int]:
    """Return axes of a new figure, and how many there are in a row."""
    figure = new_figure("corruption_accuracy", 5.4)
    width = float(figure.get_figwidth())
    columns = min(count, max(2, round(width / 1.8)))
    rows = math.ceil(count / columns)
    figure.set_figheight(1.35 * rows + 1.6)
    grid = np.asarray(figure.subplots(rows, columns, squeeze=False, sharey=True), dtype=object).ravel()
    for unused in grid[count:]:
        unused.remove()
    for panel in grid[:count]:
        panel.set_facecolor(current().paper)
    return grid[:count], columns


def _given(ax: Sequence[Axes], count: int) -> NDArray[np.object_]:
    panels = np.asarray(ax, dtype=object).ravel()
    if panels.size < count:
        raise ValueError(f"ax has {panels.size} axes for {count} corruptions: give one of each.")
    return panels[:count]
