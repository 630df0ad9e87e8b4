"""``isoperimetry plan``: the numbers are those of `checks.plan`."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from isoperimetry import cli
from isoperimetry.checks import audit_attack, plan

PLAIN = {"mu": 0.02, "sigma": 0.25}


def run(*words):
    return CliRunner(env={"COLUMNS": "120"}).invoke(cli.app, ["plan", *map(str, words)])


def numbers(line):
    return [int(text.replace(",", "")) for text in re.findall(r"\d[\d,]*(?= \+)|(?<=\+ )\d[\d,]*", line)]


def test_a_plan_and_what_other_attacks_take():
    result = run("--mu", 0.02, "--sigma", 0.25)
    assert result.exit_code == 0 and result.stderr == ""
    lines = result.stdout.splitlines()
    chosen = plan(0.02, 0.25, factor=1.5, power=0.9)
    assert f"{chosen.draws:,} noise draws and {chosen.starts:,} attacked starts" in lines[0]
    assert f"standard error of {chosen.standard_error:.3g} " in result.stdout and "1.5 times too long" in result.stdout
    (least,) = (line for line in lines if "least cost" in line)
    assert least.split()[:2] == [f"{chosen.draws:,}", f"{chosen.starts:,}"]
    for factor in (1.1, 1.2, 1.5, 2.0):
        (row,) = (line for line in lines if line.split()[:1] == [f"{factor:g}"] and "+" in line)
        plans = [plan(0.02, 0.25, factor=factor, power=power) for power in (0.5, 0.8, 0.95)]
        assert numbers(row) == [number for planned in plans for number in (planned.draws, planned.starts)]


def test_json_has_the_plan_and_the_others():
    options = {"factor": 2.0, "power": 0.8, "confidence": 0.99, "q": 0.25, "failing": 0.1, "conditional": True}
    words = ["--times-too-long", 2, "--power", 0.8, "--confidence", 0.99, "--q", 0.25, "--failing", 0.1]
    result = run(
        *words, "--mu", 0.02, "--sigma", 0.25, "--conditional", "--precision", 0.01, "--start-cost", 50, "--json"
    )
    found = json.loads(result.stdout, parse_constant=pytest.fail)
    expected = plan(0.02, 0.25, standard_error=0.01, start_cost=50.0, **options)
    assert found["plan"] == json.loads(json.dumps(expected.to_dict()))
    assert found["plan"]["standard_error"] <= 0.01
    assert [(other["factor"], other["target"]) for other in found["others"]] == [
        (factor, power) for factor in (1.1, 1.2, 1.5, 2.0) for power in (0.5, 0.8, 0.95)
    ]


def test_what_is_given_is_kept():
    result = run("--mu", 0.02, "--draws", 5000)
    chosen = plan(0.02, draws=5000)
    assert f"5,000 noise draws and {chosen.starts:,} attacked" in result.stdout and "Ways" not in result.stdout
    result = run("--mu", 0.02, "--starts", 30, "--times-too-long", 2, "--power", 0.5)
    assert f"{plan(0.02, starts=30, factor=2.0, power=0.5).draws:,} noise draws and 30 attacked" in result.stdout
    (row,) = (line for line in result.stdout.splitlines() if line.startswith(" ") and line.split()[:1] == ["1.1"])
    assert row.split()[1:] == ["never"] * 3  # 30 starts cannot tell distances that are a tenth too long


def test_the_power_of_what_is_given():
    result = run("--mu", 0.02, "--draws", 5000, "--starts", 40)
    power = {factor: plan(0.02, factor=factor, draws=5000, starts=40).power for factor in (1.1, 1.2, 1.5, 2.0)}
    for factor, expected in power.items():
        (row,) = (line.split() for line in result.stdout.splitlines() if line.split()[:1] == [f"{factor:g}"])
        assert 0 <= expected - float(row[1]) <= 0.01 * expected
    assert power[1.1] < power[1.2] < power[1.5] < power[2.0]


def test_a_planned_audit_convicts_what_it_was_planned_for():
    chosen = json.loads(run("--mu", 0.02, "--times-too-long", 3, "--power", 0.99, "--json").stdout)["plan"]
    errors = round(0.02 * chosen["draws"])
    audit = audit_attack([5.0] * chosen["starts"], errors=errors, trials=chosen["draws"], sigma=1.0)
    assert audit.verdict.value == "attack failing"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--mu", 0], ["mu=0.0", "(0, 1)"]),
        (["--mu", 0.6], ["mu=0.6", "conditional"]),
        (["--sigma", 0], ["sigma=0.0"]),
        (["--times-too-long", 1], ["factor=1.0"]),
        (["--times-too-long", 0.5], ["factor=0.5"]),
        (["--failing", 1], ["failing=1.0"]),
        (["--power", 1], ["power=1.0"]),
        (["--confidence", 95], ["confidence=95.0"]),
        (["--precision", 0], ["standard_error=0.0"]),
        (["--q", 0], ["q=0.0"]),
        (["--draws", 0], ["draws=0"]),
        (["--starts", 5], ["starts=5"]),
        (["--draws", 10], ["draws=10"]),
        (["--draws", 10, "--precision", 0.01], ["draws=10"]),
        (["--start-cost", 0], ["start_cost=0.0"]),
        (["--power", "much"], ["isoperimetry plan --help"]),
    ],
)
def test_bad_input_is_one_line(words, parts):
    result = run(*words)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1, result.output
    for part in parts:
        assert part in result.stderr
