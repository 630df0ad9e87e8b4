from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from isoperimetry.checks import Measurement, measure_error_rate
from isoperimetry.progress import CallbackProgress
from isoperimetry.streams import Stream, standard_normals

CENTER = np.array([0.3, -0.2, 0.1])


def half_space(batch: np.ndarray) -> np.ndarray:
    """Label 1 where x_1 + x_2 + x_3 > 2, at a distance of 1.8 / sqrt(3) from CENTER."""
    return (batch.reshape(len(batch), -1).sum(axis=1) > 2).astype(np.int64)


def some(predict=half_space, label: object = 0, **changes: object) -> Measurement:
    return measure_error_rate(predict, changes.pop("x", CENTER), label, **{"sigma": 0.5, "rng": 0, **changes})


# --- the count


def test_count_is_that_of_the_stream() -> None:
    stream = Stream(seed=7).split("count")
    points = CENTER + 0.5 * standard_normals(3000, 3, stream=stream)
    measured = some(n_samples=3000, rng=7)
    assert (measured.errors, measured.trials) == (int(half_space(points).sum()), 3000)
    assert measured.sampling == "fixed" and measured.dim == 3 and not measured.clipping
    assert measured.sigma == 0.5 and measured.distances == ()
    assert Stream(**measured.provenance["stream"]) == stream
    assert measured.provenance["interrupted"] is False


@pytest.mark.parametrize("batch_size", [1, 7, 1000, 10**6])
def test_batches_do_not_matter(batch_size: int) -> None:
    assert some(n_samples=2000, batch_size=batch_size).errors == some(n_samples=2000).errors


def test_rate_is_the_exact_one() -> None:
    exact = stats.norm.sf(1.8 / math.sqrt(3) / 0.5)
    measured = some(n_samples=200_000)
    assert abs(measured.errors - 200_000 * exact) < 4.9 * math.sqrt(200_000 * exact)  # fails with probability 1e-6


def test_shape_and_type_of_the_batch() -> None:
    seen = []

    def predict(batch: np.ndarray) -> np.ndarray:
        seen.append((batch.shape, batch.dtype.name))
        batch[:] = math.nan  # a classifier may use its input as it likes
        return np.zeros(len(batch))

    image = np.zeros((2, 3), np.float32)
    some(predict, x=image, n_samples=2100)
    assert set(seen) == {((rows, 2, 3), "float32") for rows in (16, 1000, 100)}
    assert not image.any()
    seen.clear()
    some(predict, x=[1, 2, 3], n_samples=20)
    assert {dtype for _, dtype in seen} == {"float64"}
    seen.clear()
    some(predict, x=np.zeros(2**21, np.float32), n_samples=4)
    assert max(shape[0] for shape, _ in seen) == 2  # 32 MB in float64


def test_labels_of_any_kind() -> None:
    expected = some(n_samples=2000).errors
    names = np.array(["cat", "dog"])
    for predict, label in (
        (lambda batch: names[half_space(batch)], "cat"),
        (lambda batch: [names[i] for i in half_space(batch)], np.str_("cat")),
        (lambda batch: half_space(batch).astype(bool), False),
        (lambda batch: half_space(batch).astype(np.float32), 0),
        (lambda batch: np.array([None, "dog"], dtype=object)[half_space(batch)], None),
    ):
        assert some(predict, label, n_samples=2000).errors == expected


def test_an_error_of_ones_own() -> None:
    def scores(batch: np.ndarray) -> dict[str, np.ndarray]:
        return {"scores": np.stack([batch[:, 0], 2 - batch[:, 1] - batch[:, 2]], axis=1)}

    def wrong(outputs: dict[str, np.ndarray], label: int) -> np.ndarray:
        return outputs["scores"].argmax(axis=1) == label

    assert some(scores, 0, error=wrong, n_samples=2000).errors == some(n_samples=2000).errors


def test_clipping() -> None:
    seen = []

    def predict(batch: np.ndarray) -> np.ndarray:
        seen.append(batch.copy())
        return half_space(batch)

    measured = some(predict, clip=(-0.25, 0.75), n_samples=500)
    assert measured.clipping and max(batch.max() for batch in seen) == 0.75 and min(b.min() for b in seen) == -0.25


# --- when to stop


def test_stops_when_precise() -> None:
    measured = some(n_samples=10**6, rel_error=0.2, batch_size=100)
    assert measured.sampling == "sequential" and 1000 < measured.trials < 100_000
    interval = measured.error_rate(confidence=0.95)
    assert interval.high - interval.low <= 0.2 * (interval.high + interval.low)
    # not much later than was needed: the number of draws grows by a tenth between looks
    assert interval.high - interval.low >= 0.17 * (interval.high + interval.low)
    few = some(n_samples=200, rel_error=0.2)
    assert few.trials == 200 and few.sampling == "sequential"


def test_stopping_early_keeps_the_level(rng: np.random.Generator) -> None:
    """The intervals of counts that stopped themselves miss the rate no more often than 5 %."""
    exact, n_runs, missed = stats.norm.sf(1.8 / math.sqrt(3) / 0.8), 60, 0
    for _ in range(n_runs):
        interval = some(sigma=0.8, n_samples=5000, rel_error=0.4, batch_size=50, rng=rng).error_rate()
        missed += not interval.low <= exact <= interval.high
    assert missed <= stats.binom.isf(1e-6, n_runs, 0.05)


def test_interrupt_keeps_what_was_counted() -> None:
    calls = 0

    def predict(batch: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == 6:  # two questions about 16 draws, three batches
            raise KeyboardInterrupt
        return half_space(batch)

    measured = some(predict, batch_size=100, n_samples=10_000)
    assert measured.trials == 300 and measured.sampling == "sequential" and measured.provenance["interrupted"]
    assert measured.errors == some(n_samples=300).errors
    calls = 3
    with pytest.raises(KeyboardInterrupt):  # nothing was counted
        some(predict, batch_size=100)


def test_progress() -> None:
    steps: list[tuple] = []
    some(n_samples=250, batch_size=100, progress=CallbackProgress(lambda *step: steps.append(step)))
    assert [step[0] for step in steps] == [0, 100, 200, 250] and {step[1] for step in steps} == {250}


# --- the answers of the classifier


def test_a_classifier_that_draws_lots_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match=r"predict judged \d+ of 16 draws otherwise when asked again"):
        some(lambda batch: rng.integers(0, 2, len(batch)))


@pytest.mark.parametrize(
    ("predict", "label", "error", "message"),
    [
        (lambda b: np.zeros((len(b), 10)), 0, ValueError, r"shape \(16, 10\) for 16 draws, which look like scores"),
        (
            lambda b: np.zeros((len(b), 1)),
            0,
            ValueError,
            r"shape \(16, 1\) for 16 draws: it must return \(16,\) labels",
        ),
        (lambda b: 0, 0, ValueError, r"shape \(\) for 16 draws"),
        (lambda b: half_space(b)[1:], 0, ValueError, r"shape \(15,\) for 16 draws"),
        (lambda b: np.full(len(b), math.nan), 0, ValueError, "predict returned NaN for 16 of 16 draws"),
        (lambda b: half_space(b), "cat", TypeError, "label='cat' can never equal what predict returns.*such as"),
        (lambda b: np.full(len(b), "cat"), 0, TypeError, "label=0 can never equal.*such as 'cat'"),
        (lambda b: half_space(b), math.nan, ValueError, "label=nan must equal itself"),
        (lambda b: half_space(b), [0], TypeError, r"label has shape \(1,\) but must be one label"),
        (lambda b: half_space(b)[: len(b) if len(b) == 16 else 5], 0, ValueError, r"shape \(5,\) for 1000 draws"),
    ],
)
def test_bad_answers(predict, label: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        some(predict, label)


@pytest.mark.parametrize(
    "judge", [lambda out, label: out, lambda out, label: np.zeros(3, bool), lambda out, label: True]
)
def test_bad_error_functions(judge) -> None:
    with pytest.raises(ValueError, match=r"error returned an array of \w+ of shape .* one boolean for each"):
        some(error=judge)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"predict": "model"}, TypeError, "predict='model' must be a callable"),
        ({"error": 0.1}, TypeError, "error=0.1 must be a callable"),
        ({"x": []}, ValueError, r"x has shape \(0,\)"),
        ({"x": [0.0, math.inf]}, ValueError, r"x\[1\]=inf.*must be finite"),
        ({"x": ["a"]}, TypeError, "must be a real number"),
        ({"sigma": 0.0}, ValueError, "sigma=0.0"),
        ({"n_samples": 0}, ValueError, "n_samples=0 must be >= 1"),
        ({"n_samples": 1e3}, TypeError, "n_samples=1000.0 must be an integer"),
        ({"batch_size": 0}, ValueError, "batch_size=0 must be >= 1"),
        ({"rel_error": 1.0}, ValueError, "rel_error=1.0 must be one number in"),
        ({"confidence": 95}, ValueError, "confidence=95"),
        ({"clip": (1, 0)}, ValueError, r"clip=\(1, 0\) must be \(low, high\) with low < high"),
        ({"clip": 1.0}, ValueError, "clip=1.0"),
        ({"rng": -1}, ValueError, "rng=-1"),
    ],
)
def test_bad_input(changes: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        some(**changes)
