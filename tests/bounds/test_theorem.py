from __future__ import annotations

import dataclasses
import inspect
import json
import math
from importlib import import_module

import numpy as np
import pytest

from isoperimetry import bounds, sets
from isoperimetry.bounds import (
    GAUSSIAN_DISTANCE,
    GAUSSIAN_ENLARGEMENT,
    HALFSPACE_DISTANCE,
    THEOREMS,
    Theorem,
    enlargement,
    quantile_distance_bound,
)
from isoperimetry.sets import Ball, Box, Complement, HalfSpace, Slab, UnionOfHalfSpaces

LABELS = {
    "theorem: typical noisy sample", "theorem: typical sample", "prediction: assumes a half-space",
    "assumes a convex correct region", "assumes a convex error set",
    "worst case", "theorem: smoothed classifier", "theorem: Lipschitz function",
    "theorem: noise",
}  # fmt: skip
EACH = pytest.mark.parametrize("theorem", THEOREMS, ids=lambda theorem: theorem.name)
EXTREMAL = [theorem for theorem in THEOREMS if theorem.extremal is not None]


def test_the_fields_are_the_agreed_ones():
    assert [field.name for field in dataclasses.fields(Theorem)] == (
        "name statement formula label space assumptions direction source bound extremal tightness proof mistake".split()
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        GAUSSIAN_DISTANCE.name = "other"


def test_calling_the_record_calls_the_plain_function():
    assert GAUSSIAN_DISTANCE(0.01, 0.3) == quantile_distance_bound(0.01, 0.3)
    assert GAUSSIAN_DISTANCE(log_mu=-50.0, q=0.9) == quantile_distance_bound(log_mu=-50.0, q=0.9)
    assert GAUSSIAN_ENLARGEMENT(0.01, 2.0, 0.3) == enlargement(0.01, 2.0, 0.3)
    assert GAUSSIAN_ENLARGEMENT.bound is enlargement


@EACH
def test_every_record_is_complete(theorem):
    assert getattr(bounds, theorem.name) is theorem and theorem.name.isupper()
    assert theorem.name in inspect.getdoc(theorem.bound)
    assert theorem.direction.startswith(("upper limit of ", "lower limit of ", "equal to "))
    for text in (theorem.statement, theorem.tightness, theorem.proof):
        assert text.endswith(".") and text.isprintable(), text
    assert theorem.mistake == "" or theorem.mistake.endswith(".")
    assert theorem.formula and "$" not in theorem.formula and len(theorem.formula) <= 140
    assert theorem.label in LABELS and theorem.space
    assert str(theorem).count("\n") == 0 and theorem.statement in str(theorem)
    fields = json.loads(json.dumps(theorem.to_dict(), allow_nan=False))
    assert fields["bound"] == theorem.function
    assert [item["name"] for item in fields["assumptions"]] == [item.name for item in theorem.assumptions]
    assert all(item.text.endswith(".") and item.name in str(item) for item in theorem.assumptions)
    assert theorem.name in theorem._repr_html_()


@EACH
def test_what_the_number_means_is_said(theorem):
    first, second = inspect.getdoc(theorem.bound).split("\n\n")[:2]
    assert second.lower().startswith(f"*{theorem.label.lower()}"), (first, second)


@EACH
def test_the_bound_is_imported_by_the_name_that_is_shown(theorem):
    module, _, name = theorem.function.rpartition(".")
    assert getattr(import_module(module), name) is theorem.bound
    assert "._" not in module and module.count(".") <= 2


@EACH
def test_describe_shows_everything_in_words(theorem):
    text = theorem.describe()
    assert text.startswith(f"{theorem.name}: {theorem.statement}\n") and text.endswith("}\n")
    for part in (theorem.formula, theorem.label, theorem.space, theorem.direction, theorem.tightness, theorem.proof):
        assert f": {part}\n" in text
    assert (f"Common mistake: {theorem.mistake}\n" in text) if theorem.mistake else ("mistake:" not in text)
    for assumption in theorem.assumptions:
        assert f"\n- {assumption}\n" in text
    assert f"Function: {theorem.function}\n" in text and theorem.cite() in text
    assert "<function" not in text and not any(line.endswith(" ") for line in text.splitlines())


@pytest.mark.parametrize("theorem", EXTREMAL, ids=lambda theorem: theorem.name)
def test_extremal_sets_have_the_measure_asked_for(theorem):
    scale = {"SMOOTHING_RADIUS_LAPLACE": "scale", "SMOOTHING_RADIUS_UNIFORM": "half_width"}.get(theorem.name, "sigma")
    for mu, sigma in ((0.01, 0.5), (0.3, 2.0)):
        error_set = theorem.extremal(mu, dim=3, **{scale: sigma})
        assert error_set.dim == 3
        if scale == "sigma":
            assert error_set.volume(sigma=sigma) == pytest.approx(mu, rel=1e-12)
        else:  # other noise: the share of x_1 beyond the offset, of Laplace and of uniform numbers
            share = math.exp(-error_set.offset / sigma) / 2 if scale == "scale" else (1 - error_set.offset / sigma) / 2
            assert share == pytest.approx(mu, rel=1e-12)
            assert error_set.normal.tolist() == [1.0, 0.0, 0.0]


def test_cite():
    text = GAUSSIAN_DISTANCE.cite()
    words, entry = text.split("\n\n")
    assert words == str(GAUSSIAN_DISTANCE.source)
    authors = "{N. Ford and J. Gilmer and N. Carlini and E. D. Cubuk}"
    assert entry.startswith(f"@misc{{ford2019adversarial,\n  author = {authors},")
    assert "title = {{Adversarial Examples" in entry and "year = {2019}" in entry and entry.endswith("}\n}")
    assert "@misc{borell1975brunn," in GAUSSIAN_ENLARGEMENT.cite()
    assert "V. N. Sudakov and B. S. Tsirel'son" in THEOREMS["GAUSSIAN_PROFILE"].cite()
    assert "@misc{levy1951problemes,\n  author = {P. Lévy}," in THEOREMS["SPHERE_ENLARGEMENT"].cite()
    for theorem in THEOREMS:
        assert theorem.cite().count("{") == theorem.cite().count("}")
        key = theorem.cite().split("@misc{")[1].split(",")[0]
        assert key.isascii() and key.isalnum() and str(theorem.source.year) in key and key[0].isalpha()


def test_assumptions_decide_or_say_that_they_cannot():
    half_space, slab = HalfSpace([1.0], 1.0), Slab([1.0], 1.0, 0.5)
    checks = HALFSPACE_DISTANCE.check(half_space)
    assert checks == {"isotropic Gaussian noise": None, "one center": None, "half-space": True}
    assert HALFSPACE_DISTANCE.check(Complement(half_space))["half-space"] is True
    assert HALFSPACE_DISTANCE.check(slab)["half-space"] is False
    assert HALFSPACE_DISTANCE.check(Complement(slab))["half-space"] is False
    assert HALFSPACE_DISTANCE.check(lambda x: np.ones(len(x), bool))["half-space"] is None
    assert "half-space" not in GAUSSIAN_DISTANCE.check(slab)


@pytest.mark.parametrize(
    "error_set, is_one",
    [
        (UnionOfHalfSpaces([[1.0, 0.0], [2.0, 0.0]], [1.0, 3.0]), True),  # one within the other
        (UnionOfHalfSpaces([[1.0, 0.0], [0.0, 1.0]], [1.0, 3.0]), False),
        (sets.translate(HalfSpace([1.0, 0.0], 1.0), [3.0, 4.0]), True),
        (sets.scale(Complement(Slab([1.0], 0.0, 1.0)), 2.0), False),
        (Complement(sets.rotate(HalfSpace([1.0, 0.0], 1.0), [[0.0, -1.0], [1.0, 0.0]])), True),
        (sets.Orthant([1.0, -math.inf]), True),
        (sets.Orthant([1.0, 2.0]), False),
        (sets.Box([-math.inf, 1.0], [math.inf, math.inf]), True),
        (sets.Box([0.0, 1.0], [math.inf, math.inf]), False),
        (sets.Wedge(math.pi), True),
        (sets.Wedge(1.0), False),
        (sets.Cone(math.pi / 2, dim=3), True),
        (sets.Cone(1.0, dim=3), False),
        (sets.Paraboloid(1.0, 0.0, dim=3), True),
        (sets.Paraboloid(1.0, -0.5, dim=3), False),
        (sets.Quadric([0.0, 0.0], [1.0, 2.0], 3.0), True),
        (sets.Quadric([0.0, 0.0], [0.0, 0.0], 3.0), None),
        (sets.Quadric([1.0, 0.0], [1.0, 2.0], 3.0), None),
        (sets.Ball([0.0, 0.0], 1.0), False),
        (Complement(sets.Ball([0.0, 0.0], 1.0)), False),
        (sets.Shell([0.0, 0.0], 1.0, 2.0), False),
        (sets.Cylinder([0.0, 0.0], 1.0, dim=3), False),
        (sets.Union(HalfSpace([1.0, 0.0], 1.0)), True),
        (sets.Union(sets.Ball([0.0, 0.0], 1.0), sets.Ball([9.0, 0.0], 1.0)), None),
        ("no set", None),
    ],
    ids=repr,
)
def test_half_spaces_are_known_in_every_shape(error_set, is_one):
    assert HALFSPACE_DISTANCE.check(error_set)["half-space"] is is_one


def test_the_catalogue_can_be_searched():
    assert isinstance(THEOREMS, tuple) and len(THEOREMS) == len({theorem.name for theorem in THEOREMS})
    records = {name for name, value in vars(bounds).items() if isinstance(value, Theorem)}
    assert records == {theorem.name for theorem in THEOREMS}
    assert THEOREMS["GAUSSIAN_DISTANCE"] is GAUSSIAN_DISTANCE and THEOREMS[0] is GAUSSIAN_ENLARGEMENT
    assert THEOREMS[:2] == (GAUSSIAN_ENLARGEMENT, GAUSSIAN_DISTANCE) and THEOREMS[:2].search() == THEOREMS[:2]
    with pytest.raises(ValueError, match=r"theorem='DISTANCE' must be the name of a theorem\. Perhaps NORM_DISTANCE"):
        THEOREMS["DISTANCE"]

    def names(**words):
        return [theorem.name for theorem in THEOREMS.search(**words)]

    assert names(assumption="half-space") == ["HALFSPACE_DISTANCE", "HALFSPACE_RATE", "HALFSPACE_DISTANCE_NORM"]
    assert names(space="SPHERE", direction="Lower") == ["SPHERE_ENLARGEMENT", "SPHERE_GAUSSIAN_ENLARGEMENT"]
    assert set(names(space="r^n with noise n(")) >= {"GAUSSIAN_ENLARGEMENT", "NOISE_NORM", "CENTER_AFFINE"}
    assert names(direction="equal") == ["HALFSPACE_DISTANCE", "HALFSPACE_RATE", "HALFSPACE_DISTANCE_NORM", "NOISE_NORM"]
    assert names(space="sphere", assumption="half-space") == []
    assert names(assumption="no such thing") == []


def test_the_table_has_a_row_for_each():
    rows = THEOREMS.table().splitlines()
    assert len(rows) == len(THEOREMS) + 2 and all(row.startswith("| ") and row.endswith(" |") for row in rows)
    assert all(theorem.name in row for theorem, row in zip(THEOREMS, rows[2:], strict=True))


def test_names_in_any_case_and_what_is_shown():
    assert THEOREMS["gaussian-distance"] is THEOREMS["GAUSSIAN_DISTANCE"]
    assert "gaussian_distance" in THEOREMS and "DISTANCE" not in THEOREMS and THEOREMS[0] in THEOREMS
    with pytest.raises(ValueError, match="Perhaps GAUSSIAN_DISTANCE"):
        THEOREMS["GAUSSIAN_DISTANC"]
    assert repr(THEOREMS[:2]).splitlines() == [
        "<Theorem GAUSSIAN_ENLARGEMENT: theorem: typical noisy sample>",
        "<Theorem GAUSSIAN_DISTANCE: theorem: typical noisy sample>",
    ]
    predictions = THEOREMS.search(label="prediction")
    assert {theorem.name for theorem in predictions} == {
        theorem.name for theorem in THEOREMS.search(assumption="half-space")
    }
    assert repr(THEOREMS.search(label="no such")) == "<no theorem>"
    entry = THEOREMS["CENTER_AFFINE"].bibtex()
    assert entry.startswith("@misc{") and "author = {{The isoperimetry developers}}" in entry


def test_the_correct_region_beyond_faces():
    affine = THEOREMS["CENTER_AFFINE"]
    name = "polyhedral correct region"
    faces = UnionOfHalfSpaces([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0])
    for error_set in (faces, HalfSpace([1.0], 1.0), Complement(Slab([1.0], 0.0, 1.0)), Complement(Box([0.0], [1.0]))):
        assert affine.check(error_set)[name] is True
    for error_set in (Slab([1.0], 0.0, 1.0), Ball([0.0, 0.0], 1.0), Complement(Ball([0.0, 0.0], 1.0))):
        assert affine.check(error_set)[name] is False
    assert affine.check(Complement(faces))[name] is None and affine.check(object())[name] is None
