"""What a stranger found in the audit and its command: which caveats are told, who is blamed, what is no number."""

from __future__ import annotations

import csv
import math

import pytest
from typer.testing import CliRunner

from isoperimetry import checks, cli, intervals

GOOD = {"errors": 10, "trials": 1000, "sigma": 0.1}


def run(*words):
    return CliRunner(env={"COLUMNS": "120"}).invoke(cli.app, ["audit", *map(str, words)])


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def two(tmp_path):
    failed = [{"image": "a", "distance": "", **GOOD}] * 30
    near = [{"image": "b", "distance": 0.1, **GOOD, "trials": 2000, "errors": 20}] * 30
    return write(tmp_path / "two.csv", failed + near)


def test_a_conviction_tells_what_it_assumes_even_if_other_images_do_not(two) -> None:
    # "a" is convicted on failures alone: whether a budget cut the attack off is the first thing to ask.
    result = run(two)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert any(line.startswith("- image a: assumed: neither box nor budget kept the attack") for line in lines)
    assert "- image a: assumed: the number of draws, 1000, was fixed in advance (sampling='fixed')." in lines
    assert not any(line.startswith("- image b:") for line in lines)  # not convicted
    assert sum("deterministic" in line for line in lines) == 1  # shared, so told once


def test_an_option_out_of_range_is_not_blamed_on_an_image(two) -> None:
    for options in (("--confidence", "1"), ("--method", "x"), ("--q", "1.5"), ("--radius", "-1")):
        result = run(two, *options)
        assert result.exit_code == 2
        name = {"--radius": "radii"}.get(options[0], options[0].strip("-"))
        assert result.stderr.startswith(f"isoperimetry: error: {two}: {name}"), result.stderr


@pytest.mark.parametrize("other", [("--radius", "0.3"), ("--method", "dkw")])
def test_a_quantile_that_is_the_default_is_not_dropped_in_silence(two, other) -> None:
    result = run(two, "--q", "0.5", *other)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("isoperimetry: error: ")


@pytest.mark.parametrize(
    ("column", "cell"), [("trials", "1" + "0" * 400), ("trials", str(2**63)), ("trials", "1_000"), ("distance", "0_1")]
)
def test_cells_that_python_alone_would_read(tmp_path, column, cell) -> None:
    result = run(write(tmp_path / "odd.csv", [{"distance": 0.5, **GOOD, column: cell}]))
    assert result.exit_code == 2, result.stderr
    assert f"line 2, has {column}='{cell}', which must be a" in result.stderr
    assert "Traceback" not in result.stderr


def test_checked_may_be_one_name() -> None:
    one, many = (checks.audit_attack([0.5] * 30, **GOOD, checked=names) for names in ("verified", ("verified",)))
    assert one == many
    with pytest.raises(ValueError, match="checked='verify' must be one of"):
        checks.audit_attack([0.5], **GOOD, checked="verify")


def test_the_largest_count_of_a_file_is_audited(tmp_path) -> None:
    rows = [{"distance": "inf", "errors": 2**62, "trials": 2**63 - 1, "sigma": 1}] * 20
    assert run(write(tmp_path / "large.csv", rows)).exit_code == 1
    assert checks.audit_attack([math.inf], errors=2**62, trials=2**63 - 1, sigma=1.0).error_rate.low > 0.49


@pytest.mark.parametrize("q", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("power", range(1, 14))
def test_the_least_starts_convict_also_where_the_level_is_met_exactly(power, q) -> None:
    # (1 - q)**M is a power of 1/2 as the level is: rounding decides whether equality counts, and must be asked.
    confidence = 1 - 2.0**-power
    least = checks.least_starts(confidence=confidence, q=q)
    options = {"errors": 50, "trials": 1000, "sigma": 1.0, "confidence": confidence, "q": q, "conditional": True}
    assert checks.audit_attack([math.inf] * least, **options).verdict is checks.AuditVerdict.ATTACK_FAILING
    if least > 1:
        audit = checks.audit_attack([math.inf] * (least - 1), **options)
        assert audit.verdict is checks.AuditVerdict.UNDECIDED


@pytest.mark.parametrize("name", ["image_id", "Image ID", "img"])
def test_images_under_another_name_are_not_pooled(tmp_path, name) -> None:
    rows = [{name: image, "distance": distance, **GOOD} for image, distance in (("a", 0.9), ("b", 0.1)) for _ in "12"]
    result = run(write(tmp_path / "pooled.csv", rows))
    assert result.exit_code == 2
    assert f"has a column {name.lower()} but none named image: rename it" in result.stderr
    kept = [{"image": row[name], **row} for row in rows]  # beside a column image it is one of those that are not read
    assert run(write(tmp_path / "kept.csv", kept)).exit_code == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: intervals.clopper_pearson(1, 10**400),
        lambda: intervals.beta_binomial(1, 10**400),
        lambda: intervals.beta_binomial(1, 10, expected_trials=10**400),
        lambda: intervals.betting_interval([0.5], expected_draws=10**400),
    ],
)
def test_counts_beyond_all_numbers_are_refused(call):
    with pytest.raises(ValueError, match=r"has 1329 bits but must be below 9223372036854775808"):
        call()
