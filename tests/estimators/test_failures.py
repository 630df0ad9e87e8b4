"""Ends of runs that are easily forgotten: small budgets, what ends the guard, labels, records of other functions."""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from isoperimetry import special
from isoperimetry.errors import RunFailed
from isoperimetry.estimators import (
    HalfSpaceMixture,
    ImportanceSampling,
    LineSampling,
    Margin,
    Membership,
    assemble,
    design,
    volume,
)
from isoperimetry.results import Guarantee

TRUTH = float(special.log_ndtr(-4.0))
FACE = {"normals": [[1.0, 0.0, 0.0]], "offsets": [4.0]}


def far(x):
    return 4.0 - x[:, 0]


class Ends:
    """The margin of a half-space that raises after so many rows."""

    def __init__(self, rows, error):
        self.left, self.error = rows, error

    def __call__(self, x):
        self.left -= len(x)
        if self.left < 0:
            self.left = 10**9
            raise self.error
        return far(x)


@pytest.mark.parametrize("method", ["line", "directional"])
@pytest.mark.parametrize("n_samples", [100, 3000])
def test_a_black_box_has_no_limits_proved_from_parts(method, n_samples):
    common = Margin(lambda x: x[:, 0] - 6.0, dim=2) if method == "directional" else Margin(far, dim=3)
    estimate = volume(common, method=method, n_samples=n_samples, rng=1)
    assert "proved" not in estimate.given
    # With plain draws alone, as where the budget left nothing else, an interval rests on nothing.
    assert estimate.guarantee is Guarantee.ASYMPTOTIC or estimate.given == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("gone")])
def test_a_guard_that_ends_early_keeps_what_it_measured_beside_half_spaces(error):
    margin, options = Margin(Ends(6000, error), dim=3, batch=500), {"n_samples": 30_000, "rng": 1}
    if isinstance(error, KeyboardInterrupt):
        estimate = volume(margin, method=HalfSpaceMixture(**FACE), **options)
    else:
        with pytest.raises(RunFailed, match="gone") as caught:
            volume(margin, method=HalfSpaceMixture(**FACE), **options)
        estimate = caught.value.estimate
    assert estimate.stopped in ("interrupted", "failed") and 0 < estimate.n_guard < 6000
    # The errors may fill the half-space, and plain draws bound what is outside it.
    from isoperimetry.intervals import beta_binomial

    outside = beta_binomial(0, estimate.n_guard)
    assert estimate.log_interval == (-math.inf, pytest.approx(np.logaddexp(math.log(outside.high), TRUTH), rel=1e-12))
    assert "outside the half-spaces" in estimate.notes[-1]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("gone")])
def test_what_ends_the_last_draws_of_the_guard_ends_the_run(monkeypatch, error):
    monkeypatch.setattr(assemble, "GUARD_LEAST", 100)
    options = {"method": HalfSpaceMixture(normals=FACE["normals"], offsets=[3.7]), "rel_error": 0.05, "rng": 1}
    whole = volume(Margin(far, dim=3, batch=100), **options)
    assert whole.n_guard > 200 and whole.stopped == "rel_error"
    margin = Margin(Ends(whole.n_calls - 50, error), dim=3, batch=100)
    if isinstance(error, KeyboardInterrupt):
        assert volume(margin, **options).stopped == "interrupted"
        return
    with pytest.raises(RunFailed, match="function raised OSError: gone") as caught:
        volume(margin, **options)
    assert caught.value.estimate.stopped == "failed" and caught.value.estimate.n_guard >= 100


def test_a_width_that_plain_draws_widened_is_named():
    # Four fifths of the errors are where the half-space is not: about 5 of 10,000 plain draws are there.
    hidden = Margin(lambda x: np.minimum(far(x), np.where(x[:, 1] > 3.3, -1.0, 5.0)), dim=3)
    estimate = volume(hidden, method=HalfSpaceMixture(**FACE), rel_error=0.1, rng=1)
    assert estimate.details["guard_errors"] > 0 and estimate.rel_error > 0.1
    assert any("wanted relative error of 0.1" in note for note in estimate.notes)


def test_an_interrupted_asymptotic_interval_says_that_it_is_not_valid_at_all_times():
    estimate = volume(Margin(Ends(15_000, KeyboardInterrupt()), dim=3), method=LineSampling(), n_samples=20_000, rng=1)
    assert estimate.stopped == "interrupted" and estimate.guarantee is Guarantee.ASYMPTOTIC
    assert any("does not hold at every number" in note for note in estimate.notes)


def test_processes_that_cannot_import_a_function_are_told_so():
    with ProcessPoolExecutor(1) as executor, pytest.raises(RunFailed, match="define it in a module") as caught:
        volume(Membership(lambda x: x[:, 0] > 1.0, dim=3), n_samples=2000, rng=1, executor=executor)
    assert caught.value.estimate is None


def test_a_record_of_another_function_of_the_same_name_is_refused(tmp_path):
    options = {"method": "crude", "n_samples": 5000, "rng": 1, "record": tmp_path / "run"}
    first = volume(Margin(lambda x: 1.0 - x[:, 0], dim=3), **options)
    with pytest.raises(ValueError, match="the function answers differently"):
        volume(Margin(lambda x: 2.0 - x[:, 0], dim=3), **options)
    assert volume(Margin(lambda x: 1.0 - x[:, 0] + 1e-6, dim=3), **options) == first  # within the rounding of float32


@pytest.mark.parametrize("n_samples", [300, 1000, 3000])
def test_the_choice_of_a_method_leaves_most_of_a_small_budget(n_samples):
    curved = Margin(lambda x: far(x) + 0.05 * (x[:, 1:] ** 2).sum(axis=1), dim=5)
    estimate = volume(curved, n_samples=n_samples, rng=1)
    assert estimate.n_calls <= 1.05 * n_samples and estimate.n_search <= 0.75 * n_samples
    assert estimate.interval.low > 0


def test_slopes_by_differences_that_would_take_the_budget_are_not_begun():
    estimate = volume(Margin(lambda x: 5.0 - x[:, 0], dim=784), n_samples=1000, rng=1)
    assert estimate.n_calls <= 1050 and estimate.n_guard > 100


def test_the_choice_of_lines_searches_once(monkeypatch):
    searches = []
    search = design._search
    monkeypatch.setattr(design, "_search", lambda *arguments: searches.append(1) or search(*arguments))
    curved = Margin(lambda x: 3.9 - x[:, 0] + 0.03 * (x[:, 1:] ** 2).sum(axis=1), dim=100)
    assert volume(curved, n_samples=30_000, rng=1).method == "line"
    assert len(searches) == 1


def test_the_guard_of_a_long_run_is_in_its_budget():
    margin = Margin(lambda x: 5.0 - x[:, 0], dim=2)
    estimate = volume(margin, method="importance", rel_error=1e-6, n_samples=300_000, rng=1)
    assert 295_000 < estimate.n_calls <= 300_100
    assert estimate.n_guard == math.ceil(0.1 * (estimate.n_calls - estimate.n_guard - estimate.n_search)) > 20_000


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_shifted_draws_that_meet_nothing_leave_the_limit_of_plain_draws(share):
    # The margin comes down to 0 at the one point of the search; errors are elsewhere, if anywhere.
    def needle(x):
        spike = 10.0 * np.linalg.norm(x - np.array([4.0, 0.0, 0.0]), axis=1) - 1e-3
        return np.where(x[:, 1] > 1.3, 1.0 if share == 0 else -1.0, np.minimum(spike, 50.0))

    method = ImportanceSampling(starts=1)
    estimate = volume(Margin(needle, dim=3), method=method, n_samples=2000, rng=1)
    if share == 0:
        assert estimate.log_value == -math.inf and estimate.interval.high < 0.006
    else:
        assert estimate.interval.low < 0.0968 < estimate.interval.high
