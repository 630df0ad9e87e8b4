from __future__ import annotations

import dataclasses
import doctest
import json
import math
import re

import numpy as np
import pytest

from isoperimetry import report
from isoperimetry.checks import AuditVerdict, audit_attack, audit_many
from isoperimetry.intervals import clopper_pearson
from isoperimetry.report import describe, describe_family, to_json, to_markdown

FAILING = {"distances": [0.9] * 32 + [0.1] * 8, "errors": 20, "trials": 1000, "sigma": 0.1}


def test_examples_run():
    assert doctest.testmod(report.text).failed == 0


# JSON


def strict(text):
    return json.loads(text, parse_constant=pytest.fail)


def test_json_of_a_record_gives_its_fields_back():
    interval = clopper_pearson(1, 10)
    assert strict(to_json(interval)) == interval.to_dict()


def test_json_of_nested_records_and_arrays_is_strict():
    audit = audit_attack([math.inf, 0.5, 0.0], errors=0, trials=10, sigma=1.0)
    found = strict(to_json({"audits": [audit], "x": np.array([[1.0, math.nan]]), "n": np.int64(3), "none": None}))
    assert found["audits"][0]["bound"] == "inf" and found["audits"][0]["verdict"] == audit.verdict.value
    assert found["x"] == [[1.0, "nan"]] and found["n"] == 3 and found["none"] is None


def test_json_keeps_every_digit_and_letter():
    assert strict(to_json([0.1 + 0.2, 1e-300])) == [0.1 + 0.2, 1e-300]
    assert to_json("\u00fc", indent=None) == '"\u00fc"'


def test_json_refuses_what_has_no_form():
    with pytest.raises(TypeError):
        to_json({"model": object()})


# Markdown


def test_markdown_of_records():
    audits = [audit_attack([0.1] * 3, errors=n, trials=1000, sigma=0.1) for n in (10, 250)]
    lines = to_markdown([audit.to_dict() for audit in audits], {"errors": "Errors", "verdict": "Verdict"}).splitlines()
    assert lines == [
        "| Errors | Verdict   |",
        "| -----: | :-------- |",
        "|     10 | undecided |",
        "|    250 | undecided |",
    ]


def test_markdown_aligns_numbers_and_leaves_gaps_empty():
    rows = [{"a": 1, "b": "x", "c": math.inf}, {"a": None, "c": 0.123456789}, {"a": 2.5, "b": True, "c": 3}]
    lines = to_markdown(rows, ["a", "b", "c"]).splitlines()
    assert lines[1] == "| --: | :-- | -----: |"
    assert lines[2] == "|   1 | x   |    inf |"
    assert lines[3] == "|     |     | 0.1235 |"
    assert lines[4] == "| 2.5 | yes |      3 |"


def test_markdown_escapes_what_would_end_a_cell():
    text = to_markdown([{"name": "a|b\nc"}], ["name"])
    assert text.splitlines()[2] == "| a\\|b c |"


def test_markdown_without_rows_has_a_head_and_without_columns_none():
    assert to_markdown([], ["name"]).splitlines() == ["| name |", "| :--- |"]
    with pytest.raises(ValueError, match="columns"):
        to_markdown([{"name": 1}], [])


# sentences


def test_describe_a_conviction():
    audit = audit_attack(**FAILING)
    text = describe(audit)
    assert audit.verdict is AuditVerdict.ATTACK_FAILING and audit.missed_fraction > 0
    assert text.startswith(
        "The attack provably misses errors. 20 errors in 1,000 noise draws mean that at least half of "
    )
    near, scaled = re.findall(r"within ([\d.]+) \(([\d.]+) sigma\)", text)[0]
    assert 0 <= float(near) - audit.bound < 1e-4 and 0 <= float(scaled) - audit.bound / 0.1 < 1e-3
    (p_value,) = re.findall(r"only 8 of 40 starts \(p = (\S+); confidence 99.9 %\)", text)
    assert audit.p_value <= float(p_value) <= 1.1 * audit.p_value
    (missed,) = re.findall(r"On at least ([\d.]+) % of", text)
    assert 0 <= 100 * audit.missed_fraction - float(missed) < 0.1 and "missed it" in text
    assert "\n" not in text


def test_describe_does_not_claim_a_fraction_that_is_not_proved():
    audit = dataclasses.replace(audit_attack(**FAILING), missed_fraction=0.0, missed_radius=None)
    assert "missed it" not in describe(audit)


def test_describe_says_which_points_and_which_quantile():
    starts = {**FAILING, "distances": [0.9] * 39 + [0.0]}
    assert "at least half of all noisy points" in describe(audit_attack(**starts))
    assert "at least 25 % of the noisy points that are not in error" in describe(
        audit_attack(**FAILING, q=0.25, conditional=True)
    )


def test_describe_a_tiny_p_value():
    assert "p <= 1e-300" in describe(dataclasses.replace(audit_attack(**FAILING), p_value=1e-300))


def test_describe_overstates_no_confidence():
    text = describe(dataclasses.replace(audit_attack(**FAILING), confidence=0.99999999, missed_fraction=0.29))
    assert "confidence 99.9999 %" in text and "On at least 29 % of" in text


def test_describe_consistency_does_not_praise_the_attack():
    audit = audit_attack([0.0] * 4 + [0.02] * 96, errors=40, trials=1000, sigma=0.1)
    assert audit.verdict is AuditVerdict.CONSISTENT
    text = describe(audit)
    assert "consistent with the bound" in text and "does not prove that it finds the nearest errors" in text
    assert "provably" not in text


def test_describe_what_would_decide():
    audit = audit_attack([0.0] + [0.3] * 5, errors=20, trials=1000, sigma=0.1)
    assert audit.verdict is AuditVerdict.UNDECIDED
    draws, starts = audit.samples_to_decide
    assert f"about {draws:,.0f} noise draws and {starts:,.0f} starts would decide" in describe(audit)
    hopeless = dataclasses.replace(audit, samples_to_decide=(math.inf, math.inf))
    assert "no number of draws and starts would decide" in describe(hopeless)


def test_describe_without_an_error_says_that_there_is_no_bound():
    text = describe(audit_attack([math.inf] * 20, errors=0, trials=1000, sigma=0.1))
    assert "Undecided" in text and "no bound" in text and "inf" not in text


def test_describe_a_family():
    bad, good = audit_attack(**FAILING), audit_attack(**{**FAILING, "distances": [0.1] * 40})
    worse = audit_attack(**{**FAILING, "distances": [0.9] * 40})
    text = describe_family(audit_many([worse, good, worse], confidence=0.999))
    assert text == ("The attack provably misses errors on at least 2 of 3 inputs (all together at confidence 99.9 %).")
    assert "none of 1 inputs" in describe_family(audit_many([good], confidence=0.999))
    assert bad.p_value > worse.p_value


def test_describe_starts_that_are_all_wrong():
    text = describe(audit_attack([0.0] * 20, errors=900, trials=1000, sigma=1.0))
    assert text.startswith("Undecided: all 20 starts are errors already") and "smaller sigma" in text


def test_describe_tells_a_broken_precondition():
    few = audit_attack([0.0] + [1.0] * 199, errors=400, trials=1000, sigma=1.0)
    assert any(reason.startswith("broken:") for reason in few.reasons)
    text = describe(few)
    assert "the test does not apply" in text and "Broken: only 1 of 200" in text and "provably" not in text
    convicted = dataclasses.replace(audit_attack(**FAILING), reasons=("broken: the label was changed.",))
    assert describe(convicted).endswith("Broken: the label was changed.")


def test_describe_without_independence_claims_less():
    assert "within some radius of at most" in describe(audit_attack(**FAILING, independent=False))


def test_describe_says_of_a_near_attack_without_an_error_that_there_is_no_bound():
    audit = audit_attack([0.01] * 40, errors=0, trials=1000, sigma=0.1, conditional=False)
    text = describe(audit)
    assert audit.verdict is AuditVerdict.CONSISTENT and audit.bound == math.inf
    assert "no bound" in text and "inf" not in text and "consistent" not in text and ".," not in text
