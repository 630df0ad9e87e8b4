"""The gate says what was shown and no more; what continuous integration reads is valid, and says the same."""

from __future__ import annotations

import dataclasses
import datetime
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from isoperimetry.intervals import clopper_pearson
from isoperimetry_bridges.torch import CheckSettings, Classifier, ModelCheck, check_model
from isoperimetry_bridges.torch.ci import check_cases, markdown_summary
from isoperimetry_bridges.torch.gate import gate, refuse_gate
from isoperimetry_bridges.torch.junit import Case, Outcome, write_junit
from isoperimetry_bridges.torch.reading import reading
from isoperimetry_bridges.torch.summary import image_tables

SETTINGS = CheckSettings(sigma=0.4, n_samples=500, n_starts=2, confidence=0.99)


def checked(exact: Any, module: Any, labels: list[int], settings: CheckSettings = SETTINGS, **options: Any) -> Any:
    return check_model(
        Classifier(module, **options), exact.images(len(labels)), labels, settings=settings, others=[], rng=1
    )  # fmt: skip


@pytest.fixture(scope="module")
def mixed(exact: Any) -> ModelCheck:
    """Return a check of three images, the last of which is wrong without noise."""
    return checked(exact, exact.half_space(0.85), [0, 0, 1], name="a|b_c <x>")  # type: ignore[no-any-return]


def test_a_gate_is_the_limit_of_the_mean_rate(mixed: ModelCheck) -> None:
    errors = mixed.images[0].errors + mixed.images[1].errors + 500
    limit = clopper_pearson(errors, 1500, confidence=0.99, side="upper").high
    for max_error in (limit, math.nextafter(limit, 0), errors / 1500, 1.0):
        one = gate(mixed, max_error, SETTINGS)
        assert (one.errors, one.trials, one.limit, one.met) == (errors, 1500, limit, limit <= max_error)
        assert ("not met" in str(one)) != one.met
        shown = float(re.findall(r"(?:at most|of) ([0-9.]+)[., ]", one.sentence())[-1 if one.met else 0])
        assert limit <= shown <= 1.01 * limit
    assert one.wrong == 1 and "1 image is wrong without noise" in one.sentence()
    # More draws are no cure where the rate that was seen is above the gate.
    assert "more draws" in gate(mixed, errors / 1500, SETTINGS).sentence()
    assert "more draws" not in gate(mixed, errors / 1501, SETTINGS).sentence()


def test_the_limit_holds_for_rates_that_differ(surely: Any) -> None:
    # Two images, never and often wrong: the mean rate is above the limit in at most 1 % of the runs.
    rng, missed = np.random.default_rng(20250), 0
    settings = dataclasses.replace(SETTINGS, n_samples=40)
    for errors in rng.binomial(40, 0.6, size=2000):
        rows = [SimpleNamespace(audit=True, errors=number) for number in (0, int(errors))]
        model: Any = SimpleNamespace(name="m", images=rows)
        missed += gate(model, 0.5, settings).limit < 0.3
    from scipy.stats import binom

    assert binom.sf(missed - 1, 2000, 0.01) > 1e-6


def test_meaningless_gates_are_refused() -> None:
    refuse_gate(0.1, SETTINGS)
    for max_error, settings in (
        (0.1, dataclasses.replace(SETTINGS, sigma=None)),
        (0.0, SETTINGS),
        (math.nan, SETTINGS),
        (0.1, dataclasses.replace(SETTINGS, confidence=0.8)),
    ):
        with pytest.raises(ValueError, match="--max-error"):
            refuse_gate(max_error, settings)


def test_cases(exact: Any, mixed: ModelCheck) -> None:
    def outcomes(models: list[ModelCheck], max_error: float | None, own: bool = True) -> list[str]:
        gates = [] if max_error is None else [gate(model, max_error, SETTINGS) for model in models]
        cases = check_cases(models, gates, SETTINGS, own=own)
        assert all(case.message.count(". ") == 0 and case.message.endswith(".") for case in cases)
        return [case.outcome.value for case in cases]

    strict = dataclasses.replace(SETTINGS, n_samples=2000, n_starts=60)
    masked = checked(exact, exact.quantized(0.85), [0], strict)
    wrong = checked(exact, exact.half_space(0.85), [1, 1])
    assert masked.n_convicted == 1
    assert outcomes([mixed], None) == ["passed"]
    assert outcomes([mixed], 0.9) == ["passed", "passed"]
    assert outcomes([mixed], 0.1) == ["failure", "passed"]
    assert outcomes([mixed, masked], None) == ["passed", "failure"]
    assert outcomes([mixed, masked], None, own=False) == ["passed", "skipped"]
    # Nothing to judge is no verdict; a gate is one.
    assert outcomes([wrong], None) == ["error"]
    assert outcomes([wrong], 0.9) == ["failure", "skipped"]
    assert outcomes([wrong, mixed], None) == ["skipped", "passed"]


def test_junit_is_valid(tmp_path: Path) -> None:
    # By the schemas of Ant and Jenkins: JUnit.xsd, junit-10.xsd.
    cases = [
        Case(group="net \x00\x1b[1m", name="a  b\n", outcome=Outcome.PASSED, seconds=0.25),
        Case(group="n", name="", outcome=Outcome.FAILED, message='<"&\ud800> not met.'),
        Case(group="n", name="e", outcome=Outcome.ERROR, message="nothing"),
        Case(group="n", name="s", outcome=Outcome.SKIPPED, message="left out"),
    ]
    when = datetime.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    path = tmp_path / "junit.xml"
    path.write_text("of another run")
    write_junit(
        path, "check", cases, properties={"seed": 0, "é\x07": None}, seconds=1234.5, text="a\x00b", created=when
    )
    assert [one.name for one in tmp_path.iterdir()] == ["junit.xml"]
    root = ElementTree.parse(path).getroot()
    (suite,) = root
    assert (root.tag, root.attrib, suite.tag) == ("testsuites", {}, "testsuite")
    assert {**suite.attrib, "hostname": ""} == {
        "id": "0", "package": "check", "name": "check", "timestamp": "2026-01-02T02:04:05", "hostname": "",
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "1234.500",
    }  # fmt: skip
    assert suite.attrib["hostname"]
    tags = [child.tag for child in suite]
    assert tags == ["properties", *["testcase"] * 4, "system-out", "system-err"]
    assert [one.attrib for one in suite[0]] == [{"name": "seed", "value": "0"}, {"name": "é?", "value": "None"}]
    shown = suite.findall("testcase")
    assert [set(one.attrib) for one in shown] == [{"classname", "name", "time"}] * 4
    assert (shown[0].attrib["classname"], shown[0].attrib["name"], len(shown[0])) == ("net ??[1m", "a b", 0)
    assert shown[1].attrib["name"] == "-"
    assert [one[0].tag for one in shown[1:]] == ["failure", "error", "skipped"]
    assert all(set(one[0].attrib) == {"type", "message"} for one in shown[1:])
    assert shown[1][0].attrib["message"] == shown[1][0].text == '<"&?> not met.'
    assert suite.findtext("system-out") == "a?b"


def test_the_summary_has_the_verdict_first(exact: Any, mixed: ModelCheck) -> None:
    gates = [gate(mixed, 0.1, SETTINGS)]
    words = reading([mixed], SETTINGS)
    text = markdown_summary(check_cases([mixed], gates, SETTINGS, own=True), [mixed], gates, words=words)
    lines = text.splitlines()
    assert lines[0] == "### isoperimetry check: failed"
    assert text.endswith("\n")
    # A name is shown as it is: no table cell, tag or emphasis comes of it.
    (row,) = [line for line in lines if line.startswith("|") and "a" in line and "audited" not in line]
    assert re.split(r"(?<!\\)\|", row)[1].strip() == r"a\|b\_c \<x\>"
    assert [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[2:4]] == ["2 of 3", "1"]
    assert any("gate 0.1: not met" in line for line in lines)
    assert "<x>" not in text
    passed = markdown_summary(check_cases([mixed], [], SETTINGS, own=True), [mixed], [], words=words)
    assert passed.startswith("### isoperimetry check: passed\n\n|")
    wrong = checked(exact, exact.half_space(0.85), [1])
    nothing = markdown_summary(check_cases([wrong], [], SETTINGS, own=True), [wrong], [], words="")
    assert nothing.startswith(
        "### isoperimetry check: nothing to judge\n\n- **Margin**: No image could be audited: 1 of 1"
    )


@pytest.mark.parametrize(("labels", "said"), [([1, 1, 0], True), ([1, 0], False), ([0, 0], False)])
def test_labels_that_are_mostly_wrong_are_suspected(exact: Any, labels: list[int], said: bool) -> None:
    model = checked(exact, exact.half_space(0.85), labels)
    words = reading([model], SETTINGS)
    advice = f"{sum(labels)} of {len(labels)} images are wrong without noise: check labels and normalisation."
    assert words.startswith(advice) == ("check labels" in words) == said
    assert ("Margin: 2 of 3" in reading([model, model], SETTINGS)) == said
    caption = str(image_tables(model, SETTINGS)[0].caption)
    assert ("the model errs without noise" in caption) == (1 in labels)


def test_an_image_that_never_errs_is_said_so(exact: Any) -> None:
    settings = CheckSettings(error_rate=0.1, n_search=50, n_samples=50, n_starts=2)
    model = checked(exact, exact.constant(0), [0, 0], settings)
    assert reading([model], settings) == (
        "No image could be audited: on 2 of 2 the error rate in noise never reaches 10 %."
    )
    assert "up to the largest noise looked at, 4 widths of the box" in str(image_tables(model, settings)[0].caption)
