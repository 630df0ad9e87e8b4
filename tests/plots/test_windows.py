from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from isoperimetry import plots
from tests.plots.drawn import legend

X, Y = np.linspace(-2.0, 3.0, 51), np.linspace(-1.0, 4.0, 41)
# Class 7 is that of the clean image, 2 begins at x = 0.5 and is wrong, 4 is another error above y = 3.
CLASSES = np.where(Y[:, None] > 3, 4, np.where(X[None] > 0.5, 2, 7))
WRONG = CLASSES != 7
POINTS = [[0, 0], [0.5, 0], [0.6, 2.7]]
PARTS = {"classes": CLASSES, "wrong": WRONG, "x": X, "y": Y, "points": POINTS}
ARGUMENTS = {"sigma": 0.1, "dim": 784, "error_rate": 0.01}


def draw(**changes):
    parts = PARTS | {name: changes.pop(name) for name in list(changes) if name in PARTS}
    return plots.church_window(*parts.values(), **{"ax": Figure().subplots()} | ARGUMENTS | changes)


def test_circles_are_the_shell_and_the_prediction():
    ax = draw()
    shell, prediction = ax.patches
    assert shell.radius == pytest.approx(2.8) and prediction.radius == pytest.approx(0.23263478740408408)
    assert tuple(shell.center) == tuple(prediction.center) == (0, 0)
    assert shell.get_linestyle() != prediction.get_linestyle() and shell.get_clip_on()
    names = list(legend(ax))
    assert any(
        name.startswith("noise shell") and name.endswith("= 2.8 (in part outside the picture)") for name in names
    )
    assert "half-space prediction: 0.2326" in names
    assert ax.get_xlim() == (-2, 3) and ax.get_ylim() == (-1, 4) and ax.get_aspect() == 1.0


def test_a_circle_outside_is_said_to_be_outside_and_no_circle_is_drawn_for_half():
    far = draw(dim=150_528)
    assert far.get_xlim() == (-2, 3) and any("= 38.8 (outside the picture)" in name for name in legend(far))
    inside = draw(x=np.linspace(-4, 4, 51), y=np.linspace(-4, 4, 41))
    assert any(name.endswith("= 2.8") for name in legend(inside))
    (shell,) = draw(error_rate=0.5).patches  # the prediction is no distance
    assert shell.radius == pytest.approx(2.8)


def test_regions_are_the_predicted_classes():
    ax = draw(labels={7: "ship", 2: "frog"})
    handles = legend(ax)
    names = [name for name in handles if name.startswith("predicted")]
    assert names[0] == "predicted: ship" and set(names[1:]) == {"predicted: frog", "predicted: class 4"}
    fills = [each for each in ax.collections if getattr(each, "filled", False)]
    looks = [(to_hex(region.get_facecolor()[0]), region.hatches[0]) for region in fills]
    keys = [(to_hex(handles[name].get_facecolor()), handles[name].get_hatch()) for name in names]
    assert looks == keys[1:] and len(set(keys)) == 3 and keys[0] == ("#ffffff", None)
    inside = {
        name: [bool(path.contains_point(point)) for point in ((2, 0), (0, 3.5), (0, 0))]
        for name, region in zip(names[1:], fills, strict=True)
        for path in [region.get_paths()[0]]
    }
    assert inside == {"predicted: frog": [True, False, False], "predicted: class 4": [False, True, False]}


def test_many_classes_share_the_last_filling():
    classes = np.minimum((X[None] + 2) // 0.3, 11).astype(int) + np.zeros((41, 1), int)
    names = [name for name in legend(draw(classes=classes)) if name.startswith("predicted") or "rarer" in name]
    assert len(names) == 8 and names[-1] == "5 rarer classes"


def test_the_edge_of_the_errors_and_the_points_are_where_they_are():
    ax = draw()
    (edge,) = (each for each in ax.collections if each.get_linewidth()[0] == 2.6)
    vertices = np.concatenate([path.vertices for path in edge.get_paths()])
    low = vertices[vertices[:, 1] < 2.5]
    assert np.abs(low[:, 0] - 0.55).max() < 0.06 and len(low)
    marks = {line.get_label(): line for line in ax.lines}
    for (label, mark), point in zip(marks.items(), POINTS, strict=True):
        np.testing.assert_array_equal(mark.get_xydata()[0], point)
        assert any(name.startswith(label[1:]) for name in legend(ax))
    assert len({mark.get_marker() for mark in marks.values()}) == 3
    names = list(legend(ax))
    assert "nearest error found, 0.5 away" in names and "misclassified noisy image, 2.766 away" in names
    assert "no error in this window" in legend(draw(wrong=np.zeros_like(WRONG)))
    assert "all of it is an error" in legend(draw(wrong=np.ones_like(WRONG)))


@pytest.mark.parametrize(
    "changes, error, message",
    [
        ({"classes": CLASSES[:-1]}, ValueError, r"classes has shape \(40, 51\) but must be \(41, 51\)"),
        ({"wrong": WRONG.T}, ValueError, r"wrong has shape \(51, 41\)"),
        ({"classes": CLASSES / 2}, TypeError, "classes has dtype float64 but must hold integers"),
        ({"wrong": CLASSES}, TypeError, "wrong has dtype int64 but must hold booleans"),
        ({"x": X[::-1]}, ValueError, "x must be at least two finite numbers that increase"),
        ({"y": np.where(Y > 3, np.nan, Y)}, ValueError, "y must be at least two finite numbers"),
        ({"points": POINTS[:2]}, ValueError, r"points has shape \(2, 2\)"),
        ({"points": [[0, 0], [np.nan, 0], [1, 1]]}, ValueError, "three pairs of finite numbers"),
        ({"sigma": 0.0}, ValueError, "sigma=0.0 must be > 0"),
        ({"dim": 0}, ValueError, "dim=0 must be >= 1"),
        ({"error_rate": 1.5}, ValueError, r"error_rate=1.5 must be one number in \(0, 1\)"),
    ],
)
def test_arguments_are_checked(changes, error, message):
    with pytest.raises(error, match=message):
        draw(**changes)


def test_a_file_of_windows_becomes_a_figure(tmp_path):
    meta = {"meta": json.dumps(ARGUMENTS | {"labels": {"7": "ship"}})}
    windows = {f"{name}/{part}": value for name in ("plain", "models/noisy") for part, value in (PARTS | meta).items()}
    np.savez(tmp_path / "windows.npz", **windows)
    axes = plots.church_windows(tmp_path / "windows.npz")
    assert [ax.get_title(loc="left").split(":")[0] for ax in axes] == ["plain", "models/noisy"]
    assert axes[0].figure is axes[1].figure and all(ax.patches[0].radius == pytest.approx(2.8) for ax in axes)
    assert "predicted: ship" in legend(axes[1])
    with pytest.raises(ValueError, match="windows lacks plain/wrong"):
        plots.church_windows({name: value for name, value in windows.items() if name != "plain/wrong"})
    with pytest.raises(ValueError, match="holds no window"):
        plots.church_windows({})
    with pytest.raises(ValueError, match=r"windows\['plain/meta'\] lacks 'dim'"):
        plots.church_windows(windows | {"plain/meta": '{"sigma": 1}'})
    with pytest.raises(FileNotFoundError):
        plots.church_windows(tmp_path / "no.npz")
