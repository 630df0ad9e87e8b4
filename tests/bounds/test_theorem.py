from __future__ import annotations

import dataclasses
import inspect
import json

import numpy as np
import pytest

from isoperimetry import bounds
from isoperimetry.bounds import (
    GAUSSIAN_DISTANCE,
    GAUSSIAN_ENLARGEMENT,
    HALFSPACE_DISTANCE,
    THEOREMS,
    Theorem,
    enlargement,
    quantile_distance_bound,
)
from isoperimetry.sets import Complement, HalfSpace, Slab


def test_the_fields_are_the_agreed_ones():
    assert [field.name for field in dataclasses.fields(Theorem)] == (
        "name statement space assumptions direction source bound extremal tightness".split()
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        GAUSSIAN_DISTANCE.name = "other"


def test_calling_the_record_calls_the_plain_function():
    assert GAUSSIAN_DISTANCE(0.01, 0.3) == quantile_distance_bound(0.01, 0.3)
    assert GAUSSIAN_DISTANCE(log_mu=-50.0, q=0.9) == quantile_distance_bound(log_mu=-50.0, q=0.9)
    assert GAUSSIAN_ENLARGEMENT(0.01, 2.0, 0.3) == enlargement(0.01, 2.0, 0.3)
    assert GAUSSIAN_ENLARGEMENT.bound is enlargement


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda theorem: theorem.name)
def test_every_record_is_complete(theorem):
    assert getattr(bounds, theorem.name) is theorem and theorem.name.isupper()
    assert getattr(bounds, theorem.bound.__name__) is theorem.bound
    assert theorem.name in inspect.getdoc(theorem.bound)
    assert theorem.direction.split()[0] in {"upper", "lower", "equal"}
    assert theorem.statement.endswith(".") and theorem.tightness.endswith(".")
    assert str(theorem).count("\n") == 0 and theorem.statement in str(theorem)
    assert isinstance(theorem.extremal(0.01, 0.5, dim=3), HalfSpace)
    fields = json.loads(json.dumps(theorem.to_dict(), allow_nan=False))
    assert fields["bound"] == theorem.bound.__name__
    assert [item["name"] for item in fields["assumptions"]] == [item.name for item in theorem.assumptions]
    assert theorem.name in theorem._repr_html_()


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda theorem: theorem.name)
def test_what_the_number_means_is_said(theorem):
    labels = {"upper": "*Theorem: typical noisy sample*", "lower": "*Theorem: typical noisy sample*"}
    label = labels.get(theorem.direction.split()[0], "*Prediction: assumes a half-space")
    assert label in inspect.getdoc(theorem.bound)


def test_cite():
    text = GAUSSIAN_DISTANCE.cite()
    words, entry = text.split("\n\n")
    assert words == str(GAUSSIAN_DISTANCE.source)
    assert entry.startswith("@misc{ford2019,\n  author = {N. Ford and J. Gilmer and N. Carlini and E. D. Cubuk},")
    assert "title = {{Adversarial Examples" in entry and "year = {2019}" in entry and entry.endswith("}\n}")
    assert "@misc{borell1975," in GAUSSIAN_ENLARGEMENT.cite()
    assert "V. N. Sudakov and B. S. Tsirel'son" in THEOREMS["GAUSSIAN_PROFILE"].cite()
    for theorem in THEOREMS:
        assert theorem.cite().count("{") == theorem.cite().count("}")


def test_assumptions_decide_or_say_that_they_cannot():
    half_space, slab = HalfSpace([1.0], 1.0), Slab([1.0], 1.0, 0.5)
    checks = HALFSPACE_DISTANCE.check(half_space)
    assert checks == {"isotropic Gaussian noise": None, "one center": None, "half-space": True}
    assert HALFSPACE_DISTANCE.check(Complement(half_space))["half-space"] is True
    assert HALFSPACE_DISTANCE.check(slab)["half-space"] is False
    assert HALFSPACE_DISTANCE.check(Complement(slab))["half-space"] is False
    assert HALFSPACE_DISTANCE.check(lambda x: np.ones(len(x), bool))["half-space"] is None
    assert "half-space" not in GAUSSIAN_DISTANCE.check(slab)


def test_the_catalogue_can_be_searched():
    assert isinstance(THEOREMS, tuple) and len(THEOREMS) == len({theorem.name for theorem in THEOREMS})
    records = {name for name, value in vars(bounds).items() if isinstance(value, Theorem)}
    assert records == {theorem.name for theorem in THEOREMS}
    assert THEOREMS["GAUSSIAN_DISTANCE"] is GAUSSIAN_DISTANCE and THEOREMS[0] is GAUSSIAN_ENLARGEMENT
    assert THEOREMS[:2] == (GAUSSIAN_ENLARGEMENT, GAUSSIAN_DISTANCE) and THEOREMS[:2].search() == THEOREMS[:2]
    with pytest.raises(ValueError, match="theorem='DISTANCE' must be one of 'GAUSSIAN_ENLARGEMENT'"):
        THEOREMS["DISTANCE"]
    assert {theorem.name for theorem in THEOREMS.search(assumption="half-space")} == {
        "HALFSPACE_DISTANCE",
        "HALFSPACE_RATE",
    }
    assert THEOREMS.search(direction="LOWER", space="gaussian") == ()
    assert [theorem.name for theorem in THEOREMS.search(direction="Lower", space="r^n")] == [
        "GAUSSIAN_ENLARGEMENT",
        "GAUSSIAN_REQUIRED_SIGMA",
        "GAUSSIAN_PROFILE",
    ]
    assert THEOREMS.search(assumption="no such thing") == ()


def test_the_table_has_a_row_for_each():
    rows = THEOREMS.table().splitlines()
    assert len(rows) == len(THEOREMS) + 2 and all(row.startswith("| ") and row.endswith(" |") for row in rows)
    assert all(theorem.name in row for theorem, row in zip(THEOREMS, rows[2:], strict=True))
