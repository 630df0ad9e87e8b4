from __future__ import annotations

import json
import math
from math import comb

import numpy as np
import pytest

from isoperimetry.report import load, summary
from isoperimetry.report.compare import across, within
from isoperimetry.report.paired import sign_test
from tests.report import folders


def run(tmp_path, name, models=None, **entries):
    return load(folders.write(tmp_path / name, models, **entries))


def test_sign_test_is_the_exact_binomial_one():
    for more, fewer in ((0, 0), (3, 0), (7, 2), (2, 7), (30, 10)):
        n = more + fewer
        outcomes = [comb(n, k) / 2**n for k in range(n + 1)]
        expected = sum(p for k, p in enumerate(outcomes) if abs(2 * k - n) >= abs(more - fewer))
        assert sign_test(more, fewer) == pytest.approx(min(expected, 1.0))
    assert sign_test(3000, 0) == 2.0**-2999 == 0.0 or sign_test(3000, 0) < 1e-300


def test_models_of_one_check_are_compared_with_the_first_image_by_image(tmp_path):
    first, second = within(run(tmp_path, "run"))
    assert (first.first, first.second, first.images) == ("clean", "noisy", (0, 1, 2))
    scale, nearest = first.measures
    # image 2 was not audited on one of them
    assert (scale.n, scale.more, scale.fewer, scale.ties, scale.p_value) == (2, 2, 0, 0, 0.5)
    assert (scale.first, scale.second) == (pytest.approx(0.11), pytest.approx(0.33))
    assert nearest.more == 2 and nearest.second == pytest.approx(3 * nearest.first)
    assert any("own noise scale" in note for note in first.notes)
    assert any("convicted on masked" in note for note in second.notes)
    assert second.measures[0].ties == 2 and second.measures[0].p_value == 1


def test_a_larger_first_value_is_counted_as_fewer_and_none_found_as_farthest(tmp_path):
    near, far = folders.image(0, sigma=0.2), folders.image(0, sigma=0.1)
    far["clean_distances"] = {"PGD": "inf", "DDN": "inf"}
    comparison = within(run(tmp_path, "run", [folders.model("a", [near]), folders.model("b", [far])]))[0]
    scale, nearest = comparison.measures
    assert (scale.more, scale.fewer) == (0, 1) and (nearest.more, nearest.second) == (1, math.inf)
    assert "none found" in nearest.sentence("b")


def test_two_runs_are_paired_by_image_and_their_settings_told(tmp_path):
    one = run(tmp_path, "one", [folders.model("net", [folders.image(0), folders.image(1, sigma=0.12)])])
    fixed = folders.SETTINGS | {"sigma": 0.1, "n_samples": 500, "clip": True}
    other = run(
        tmp_path, "two", [folders.model("net", [folders.image(1, found=0.8), folders.image(9)])], settings=fixed
    )
    (comparison,) = across(one, other)
    assert (comparison.first, comparison.second, comparison.images) == ("net (one)", "net (two)", (1,))
    notes = " ".join(comparison.notes)
    assert "noise draws an image: 2000 and 500" in notes and "clipping: False and True" in notes
    assert "searched for each image and 0.1" in notes and "same fingerprint" in notes
    assert "only the check differs." in notes
    assert [measure.what for measure in comparison.measures] == ["nearest error found from the image"]


def test_rates_are_compared_at_one_scale_only(tmp_path):
    fixed = folders.SETTINGS | {"sigma": 0.1}
    one = run(tmp_path, "one", [folders.model("net", [folders.image(0, errors=20)])], settings=fixed)
    same = run(tmp_path, "two", [folders.model("net", [folders.image(0, errors=40)])], settings=fixed)
    other = run(tmp_path, "six", [folders.model("net", [folders.image(0, sigma=0.2)])], settings=fixed | {"sigma": 0.2})
    rate, noisy, _ = across(one, same)[0].measures
    assert (rate.what, rate.more, rate.first, rate.second) == ("error rate in noise", 1, 0.01, 0.02)
    assert noisy.what == "median distance from noisy copies"
    (comparison,) = across(one, other)
    assert [measure.what for measure in comparison.measures] == ["nearest error found from the image"]
    assert any("0.1 and 0.2" in note for note in comparison.notes)


def test_lengths_in_different_units_are_not_compared(tmp_path):
    one = run(tmp_path, "one", [folders.model("net", [folders.image(0)])])
    other = run(tmp_path, "two", [folders.model("net", [folders.image(0)], bounds=(0.0, 255.0))])
    (comparison,) = across(one, other)
    assert comparison.measures == () and any("[0, 255]" in note for note in comparison.notes)


def test_one_name_for_two_models_is_refused(tmp_path):
    one = run(tmp_path, "one", [folders.model("net", [folders.image(0)], fingerprint="aaa")])
    other = run(tmp_path, "two", [folders.model("net", [folders.image(0)], fingerprint="bbb")])
    with pytest.raises(ValueError, match=r"different models under the name 'net' \(fingerprints aaa and bbb\)"):
        summary(one, other)


@pytest.mark.parametrize("how", ["ids", "labels", "data", "pixels"])
def test_runs_that_share_no_image_are_refused(tmp_path, how):
    ids = {"ids": 5}.get(how, 0)
    one = folders.write(tmp_path / "one", [folders.model("net", [folders.image(0)])], with_pictures=how == "pixels")
    second = folders.model("net", [folders.image(ids, label=4 if how == "labels" else 3)])
    data = {"data_sha256": "other"} if how == "data" else {}
    two = folders.write(tmp_path / "two", [second], with_pictures=how == "pixels", **data)
    if how == "pixels":
        with np.load(two / "pictures.npz") as kept:
            arrays = dict(kept)
        arrays["model0/0/image"] = arrays["model0/0/image"] + 1
        np.savez(two / "pictures.npz", **arrays)
    with pytest.raises(ValueError, match="share no image"):
        summary(load(one), load(two))


def test_the_same_pixels_are_the_same_image_whatever_the_data_are_called(tmp_path):
    models = [folders.model("net", [folders.image(0)])]
    one = folders.write(tmp_path / "one", models, with_pictures=True, data_sha256="a")
    two = folders.write(tmp_path / "two", models, with_pictures=True, data_sha256="b")
    assert across(load(one), load(two))[0].images == (0,)


def test_a_check_and_a_reproduction_are_not_compared(tmp_path):
    one = run(tmp_path, "one")
    other = load(folders.reproduction(tmp_path / "all"))
    with pytest.raises(ValueError, match=r"one is a check and .*all a reproduce"):
        summary(one, other)
    assert len(across(other, other)) == 4  # namesakes of two subjects


def test_the_summary_is_strict_json(tmp_path):
    record = summary(run(tmp_path, "run"))
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    images = record["chapters"][0]["models"][2]["images"]
    assert images[0]["verdict"] == "convicted" and images[2]["sigma"] == "nan"
    assert record["headline"] == "PGD provably misses errors on masked."
    both = summary(run(tmp_path, "one"), run(tmp_path, "two"))
    assert both["headline"] == record["headline"]  # named once
