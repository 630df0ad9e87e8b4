from __future__ import annotations

import math
import subprocess
import sys

import pytest

from isoperimetry.checks import AttackAudit, AuditVerdict, audit_attack, audit_many
from isoperimetry.report import describe, describe_family
from isoperimetry.testing import assert_attack_not_failing

COUNTS = {"errors": 20, "trials": 1000, "sigma": 0.1}
FAR, NEAR = [0.9] * 40, [0.1] * 60


def test_a_good_attack_passes_with_its_audit():
    audit = assert_attack_not_failing(NEAR, **COUNTS)
    assert isinstance(audit, AttackAudit) and audit == audit_attack(NEAR, **COUNTS)
    assert audit.verdict is AuditVerdict.CONSISTENT
    assert assert_attack_not_failing(NEAR, **COUNTS, allow_undecided=False) == audit


def test_a_convicted_attack_fails_with_the_verdict():
    with pytest.raises(AssertionError) as failure:
        assert_attack_not_failing([0.9] * 20 + [math.inf] * 20, **COUNTS)
    assert str(failure.value) == describe(audit_attack([0.9] * 20 + [math.inf] * 20, **COUNTS))
    assert str(failure.value).startswith("The attack provably misses errors.")


def test_undecided_passes_unless_it_must_not():
    few = [0.9] * 5
    assert assert_attack_not_failing(few, **COUNTS).verdict is AuditVerdict.UNDECIDED
    with pytest.raises(AssertionError, match=r"^Undecided at confidence 99\.9 %"):
        assert_attack_not_failing(few, **COUNTS, allow_undecided=False)
    with pytest.raises(AssertionError, match="all 40 starts are errors already"):
        assert_attack_not_failing([0.0] * 40, **COUNTS, allow_undecided=False)


def test_the_confidence_and_the_options_are_those_of_the_audit():
    twelve = [0.9] * 12  # p is about 2**-12
    with pytest.raises(AssertionError):
        assert_attack_not_failing(twelve, **COUNTS)
    assert_attack_not_failing(twelve, **COUNTS, confidence=0.99999)
    half = [0.2] * 100 + [math.inf] * 100
    assert_attack_not_failing(half, **COUNTS)
    for options in ({"q": 0.75}, {"q": (0.5, 0.75)}, {"radii": [0.4]}, {"method": "dkw"}):
        with pytest.raises(AssertionError):
            assert_attack_not_failing(half, **COUNTS, **options)
    audit = assert_attack_not_failing(NEAR, **COUNTS, sampling="sequential", independent=False, norm=math.inf)
    assert (audit.sampling, audit.independent, audit.norm) == ("sequential", False, math.inf)


def test_images_are_judged_together():
    images = {
        "cat": {"distances": FAR, **COUNTS},
        "dog": {"distances": NEAR, **COUNTS},
        "owl": {"distances": FAR, **COUNTS},
    }
    audits = {name: audit_attack(**image) for name, image in images.items()}
    with pytest.raises(AssertionError) as failure:
        assert_attack_not_failing(images)
    told = str(failure.value).splitlines()
    assert (
        told[0] == describe_family(audit_many(list(audits.values()), confidence=0.999)) and "at least 2 of 3" in told[0]
    )
    assert told[1:] == [f"cat: {describe(audits['cat'])}", f"owl: {describe(audits['owl'])}"]
    good = {name: {**image, "distances": NEAR} for name, image in images.items()}
    passed = assert_attack_not_failing(good, allow_undecided=False)
    assert list(passed) == ["cat", "dog", "owl"] and passed["dog"] == audits["dog"]


def test_one_of_many_images_is_held_to_the_level_of_all():
    bad = {"distances": [0.9] * 12, **COUNTS}
    images = {"bad": bad, **{f"good{i}": {"distances": NEAR, **COUNTS} for i in range(19)}}
    with pytest.raises(AssertionError):
        assert_attack_not_failing({"bad": bad})
    assert assert_attack_not_failing(images)["bad"].verdict is AuditVerdict.ATTACK_FAILING
    with pytest.raises(
        AssertionError, match=r"none of 20 inputs[^\n]*\nbad: The attack provably misses errors\. [^\n]*$"
    ):
        assert_attack_not_failing(images, allow_undecided=False)


def test_what_images_share_is_said_once():
    images = {"a": {"distances": NEAR, "errors": 20}, "b": {"distances": NEAR, "errors": 30, "sigma": 0.2}}
    audits = assert_attack_not_failing(images, trials=1000, sigma=0.1, sampling="sequential")
    assert [(audit.errors, audit.trials, audit.sigma, audit.sampling) for audit in audits.values()] == [
        (20, 1000, 0.1, "sequential"),
        (30, 1000, 0.2, "sequential"),
    ]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (NEAR, {"errors": 1, "trials": 10}, TypeError, "lacks sigma: an audit needs"),
        (NEAR, {**COUNTS, "alpha": 0.1}, TypeError, "has no argument alpha"),
        (NEAR, {**COUNTS, "confidence": 95}, ValueError, "confidence=95 must be one number"),
        ([math.nan], COUNTS, ValueError, "distances has 1 entry outside"),
        ({}, {}, ValueError, "distances is empty: name at least one input"),
        ({"a": NEAR}, COUNTS, TypeError, r"distances\['a'\] is a list: it must be a mapping"),
        ({"a": {"distances": NEAR, "errors": 1}}, {}, TypeError, r"distances\['a'\] lacks trials, sigma"),
        ({"a": COUNTS}, {}, TypeError, r"distances\['a'\] lacks distances"),
        ({"a": {"distances": NEAR, **COUNTS, "confidence": 0.9}}, {}, TypeError, "give one for all inputs"),
        ({"a": {"distances": [-1], **COUNTS}}, {}, ValueError, r"distances\['a'\]: distances has 1 entry"),
    ],
)
def test_bad_input_is_no_failed_assertion(arguments, options, error, message):
    with pytest.raises(error, match=message):
        assert_attack_not_failing(arguments, **options)


def test_it_needs_neither_hypothesis_nor_mpmath():
    program = (
        "import sys; from isoperimetry.testing import assert_attack_not_failing; "
        "assert not {'hypothesis', 'mpmath', 'typer'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_pytest_shows_the_line_of_the_test(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        "from isoperimetry.testing import assert_attack_not_failing\n\n\n"
        "def test_mine():\n"
        "    assert_attack_not_failing([0.9] * 40, errors=20, trials=1000, sigma=0.1)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_mine.py")]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert shown.returncode == 1, shown.stdout
    assert ">       assert_attack_not_failing([0.9]" in shown.stdout and "attacks.py" not in shown.stdout
    assert "AssertionError: The attack provably misses errors." in shown.stdout
