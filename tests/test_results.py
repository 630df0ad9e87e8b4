from __future__ import annotations

import doctest
import json
import math
import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isoperimetry import results
from isoperimetry.results import at_least, at_most, to_json
from isoperimetry.streams import Stream

finite = st.floats(allow_nan=False, allow_infinity=False)


def significant_digits(text: str) -> int:
    digits = text.lstrip("-").partition("e")[0].replace(".", "").lstrip("0")
    return len(digits.rstrip("0")) if "." not in text.partition("e")[0] else len(digits)


def test_examples_run() -> None:
    assert doctest.testmod(results).failed == 0


@given(finite, st.integers(1, 17))
@example(0.3, 2)
@example(0.1 + 0.2, 17)
@example(5e-324, 1)
@example(2.5e-323, 1)
@example(1.7976931348623157e308, 2)
@example(2.2250738585072014e-308, 3)
@example(math.nextafter(1.0, 0.0), 3)
@example(math.nextafter(1.0, 2.0), 3)
@example(-0.0123456, 2)
@example(9.999999e22, 3)
def test_rounding_is_to_its_side_and_tight(value: float, digits: int) -> None:
    up, down = at_most(value, digits), at_least(value, digits)
    assert float(down) <= value <= float(up)
    assert at_most(-value, digits).lstrip("-") == down.lstrip("-")
    for text in (up, down):
        assert significant_digits(text) <= digits
        assert re.fullmatch(r"-?\d+(\.\d*[1-9])?(e[+-]\d+)?", text)
    if value:  # less than one unit of the last digit away
        unit = Decimal(10) ** (Decimal(repr(value)).adjusted() - digits + 1)
        assert Decimal(up) - Decimal(down) in (0, unit)


@given(st.decimals("0.001", "0.999", places=3))
def test_short_decimals_stay_as_they_are(decimal: Decimal) -> None:
    text = str(decimal.normalize())
    assert at_most(float(decimal), 3) == at_least(float(decimal), 3) == text


@pytest.mark.parametrize(
    ("value", "up", "down"),
    [
        (0.0, "0", "0"),
        (-0.0, "0", "0"),
        (1.0, "1", "1"),
        (1, "1", "1"),
        (0.0004024, "0.00041", "0.0004"),
        (0.99999, "1", "0.99"),
        (0.1 + 0.2, "0.31", "0.3"),
        (1e-300, "1e-300", "1e-300"),
        (1.23e-300, "1.3e-300", "1.2e-300"),
        (5e-324, "5e-324", "5e-324"),
        (1e-5, "1e-5", "1e-5"),
        (0.0001, "0.0001", "0.0001"),
        (12345.0, "13000", "12000"),
        (1.25e17, "1.3e+17", "1.2e+17"),
        (-1.26, "-1.2", "-1.3"),
        (math.inf, "inf", "inf"),
        (-math.inf, "-inf", "-inf"),
        (math.nan, "nan", "nan"),
        (np.float64(0.125), "0.13", "0.12"),
    ],
)
def test_rounding_of_values(value: float, up: str, down: str) -> None:
    assert (at_most(value, 2), at_least(value, 2)) == (up, down)


def test_intervals_are_printed_no_narrower_than_they_are() -> None:
    interval = results.Interval(low=0.12345, high=0.98765, confidence=0.99999999, side="two-sided", method="test")
    assert str(interval) == "[0.1234, 0.9877] (two-sided, 0.999999, test)"


def test_json_takes_whatever_has_a_dictionary() -> None:
    stream = Stream(seed=5).split("count", 3)
    text = json.dumps(to_json({"stream": stream, "kinds": [stream]}), allow_nan=False)
    assert json.loads(text) == {"stream": stream.to_dict(), "kinds": [stream.to_dict()]}
    assert to_json(Stream) is Stream  # a class is no value
