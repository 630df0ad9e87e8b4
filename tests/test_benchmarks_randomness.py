"""The evidence for the noise can fail: its p-values are right, broken generators are caught, the record is kept."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.randomness import __main__, battery, dieharder, normals, pvalues, selfcheck, sources, tails, words

DTYPES = (np.float32, np.float64)


def test_p_values_are_scipy_s() -> None:
    assert pvalues.of_normal(-2.5) == pytest.approx(2 * stats.norm.sf(2.5))
    assert pvalues.of_chi_square(30.0, 20) == pytest.approx(2 * stats.chi2.sf(30, 20))
    assert pvalues.of_chi_square(5.0, 20) == pytest.approx(2 * stats.chi2.cdf(5, 20))
    counts = np.array([48, 60, 42, 50])
    upper = stats.chisquare(counts).pvalue
    assert pvalues.of_counts(counts) == pytest.approx(2 * min(upper, 1 - upper))
    for count, n, rate in ((3, 1000, 0.01), (25, 1000, 0.01), (0, 100, 0.05), (10, 10, 0.5)):
        tails_of = stats.binom.cdf(count, n, rate), stats.binom.sf(count - 1, n, rate)
        assert pvalues.of_binomial(count, n, rate) == pytest.approx(min(1, 2 * min(tails_of)))
    for count, mean in ((0, 4.0), (9, 4.0), (2, 4.0)):
        tails_of = stats.poisson.cdf(count, mean), stats.poisson.sf(count - 1, mean)
        assert pvalues.of_poisson(count, mean) == pytest.approx(min(1, 2 * min(tails_of)))


def test_kolmogorov_smirnov_and_anderson_darling(rng: np.random.Generator) -> None:
    for n in (30, 3000):
        u = rng.random(n) ** 1.05
        assert pvalues.of_uniforms(u) == pytest.approx(stats.kstest(u, "uniform").pvalue, rel=0.05)
    # A point of 1 per cent from Marsaglia and Marsaglia (2004), and the leading term far out, with sqrt(3) = 1.732.
    assert pvalues.of_anderson_darling(3.878) == pytest.approx(0.01, rel=0.001)
    assert pvalues.of_anderson_darling(60.0) == pytest.approx(math.sqrt(3) * math.erfc(math.sqrt(60)), rel=0.01)
    assert pvalues.of_anderson_darling(2 - 1e-9) == pytest.approx(pvalues.of_anderson_darling(2), rel=1e-4)
    weights = 1 / (np.arange(1.0, 100) * np.arange(2.0, 101))
    statistics = rng.standard_normal((20_000, 99)) ** 2 @ weights + 0.01
    assert pvalues.of_uniforms([pvalues.of_anderson_darling(value) for value in statistics]) > 1e-6


def test_adjusted_p_values() -> None:
    assert pvalues.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert pvalues.holm([0.9, 0.8]) == [1.0, 1.0]
    assert pvalues.of_smallest([0.1, 0.5, 0.9]) == pytest.approx(1 - 0.9**3)
    assert pvalues.of_smallest([1.0]) == pytest.approx(1)


def test_the_twin_in_numpy_agrees() -> None:
    ours, plain = sources.Source(3), sources.Plain(3, 10)
    for order in sources.ORDERS:
        assert (ours.words(order, 2**40, 50) == plain.words(order, 2**40, 50)).all()
    for dtype, error in ((np.float32, 2e-6), (np.float64, 1e-14)):
        near = ours.normals(dtype, 2**63 + 1, 2**64 - 9, 8, 21) - plain.normals(dtype, 2**63 + 1, 2**64 - 9, 8, 21)
        assert abs(near).max() < error


def test_the_twin_in_numpy_passes_published_vectors_of_7_rounds() -> None:
    # Random123, tests/kat_vectors, "philox4x32 7": that the number of rounds is what it says.
    low, high = (np.array([value], np.uint64) for value in (0x85A308D3243F6A88, 0x0370734413198A2E))
    words_of = sources.Plain(0, 7).raw(low, high, np.array([0x299F31D0A4093822], np.uint64))
    assert words_of.tolist() == [[0x4DFCCABA, 0x190A87F0, 0xC47362BA, 0xB6B5242A]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_chunk_comes_twice(dtype: Any) -> None:
    source = sources.Source(0)
    chunks = [battery.chunk(source, dtype, i) for i in range(4 * len(battery.LAYOUTS))]
    assert len({float(z[0, 0]) for z in chunks}) == len(chunks)
    assert (
        chunks[5][0] == source.normals(dtype, source.stream.split("chunks").key, battery.ROWS, 1, battery.DIM)
    ).all()


@pytest.mark.parametrize("bits", [32, 52])
def test_lattice_tail(bits: int) -> None:
    middle, end = (5.0, 6.7637) if bits == 32 else (7.0, 8.5717)
    assert tails.end(bits) == pytest.approx(end, abs=1e-4)
    assert tails.lattice_tail(middle, bits) == pytest.approx(stats.norm.sf(middle), rel=1e-5)
    last = math.sqrt(-2 * math.log(1.5 / 2**bits))  # beyond the second largest radius there is but one
    assert tails.lattice_tail(last, bits) == pytest.approx(math.acos(last / tails.end(bits)) / math.pi / 2**bits)
    assert tails.lattice_tail(tails.end(bits) + 1e-9, bits) == 0


def test_fourth_powers_of_hermite_polynomials() -> None:
    z = stats.norm.expect(lambda z: ((z**3 - 3 * z) / math.sqrt(6)) ** 4)
    assert normals.FOURTH_POWERS[3] == pytest.approx(z)


@pytest.mark.parametrize("order", ["block", "name"])
def test_broken_words_are_caught(order: str) -> None:
    tests = words.Words()
    bad = sources.Plain(0, 2).words(order, 0, 2**14)
    bad[1::2] = bad[::2]  # and the next counter is deaf
    tests.add(bad)
    assert selfcheck.caught(tests.results("words"))


def test_self_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["--self-check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(sources.BROKEN) and ": 0 of " in lines[0] and not any(": 0 of" in x for x in lines[1:])


def test_a_self_check_that_catches_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        __main__, "self_check", lambda seed: {name: {"tests": 1, "failed": 0} for name in sources.BROKEN}
    )
    assert __main__.main(["--self-check"]) == 1


def test_a_failing_generator_ends_with_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(__main__, "self_check", lambda seed: {})
    path = tmp_path / "record.json"
    assert __main__.main(["--normals", "1000", "--out", str(path)]) == 0
    good = json.loads(path.read_text())
    assert good["summary"]["failed"] == [] and good["amounts"]["float64 normals"] > 1000
    monkeypatch.setattr(__main__, "Source", sources.Correlated)
    assert __main__.main(["--normals", "1000", "--minutes", "1", "--out", str(path)]) == 1
    assert any("samples 1 apart" in line for line in json.loads(path.read_text())["summary"]["failed"])


TABLE = """
#=============================================================================#
        test_name   |ntup| tsamples |psamples|  p-value |Assessment
#=============================================================================#
   diehard_birthdays|   0|       100|     100|0.76900138|  PASSED
          sts_serial|  16|    100000|     100|0.00123456|   WEAK
    rgb_bitdist     |  12|    100000|     100|0.00000000|  FAILED
"""


def test_dieharder_s_table_is_read() -> None:
    lines = dieharder.parse(TABLE)
    assert [line["assessment"] for line in lines] == ["PASSED", "WEAK", "FAILED"]
    assert lines[1] == {
        "test": "sts_serial", "ntup": 16, "tsamples": 100_000, "psamples": 100, "p": 0.00123456, "assessment": "WEAK",
    }  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_dieharder_gets_the_words_and_its_absence_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    source = sources.Source(0)
    assert "not installed" in dieharder.bits(source, full=False)["missing"]
    assert __main__.main(["--control"]) == 1
    command = tmp_path / "dieharder"  # reads 300,000 words, and says what they were in the place of p
    command.write_text(f"#!/bin/sh\n/usr/bin/head -c 1200000 > {tmp_path}/got\n/bin/echo '{TABLE}'\n")
    command.chmod(0o755)
    table, sent = dieharder.run(["-a"], source, "sample", 7)
    assert len(table) == 3 and sent >= 2**18
    assert (tmp_path / "got").read_bytes() == source.words("sample", 7, 75_000).astype("<u4").tobytes()
    record = dieharder.bits(source, full=True)["orders"]
    assert set(record) == set(sources.ORDERS)
    assert record["key"]["failed"] == record["key"]["weak"] == 1 and record["key"]["weak_expected"] == 0.03
    monkeypatch.setattr(__main__, "CONTROL", tmp_path / "control.json")
    assert __main__.main(["--control"]) == 0
    assert json.loads((tmp_path / "control.json").read_text())["lines"] == 3 * len(dieharder.CHOSEN)


def test_the_kept_record_is_good() -> None:
    record = json.loads(__main__.RESULT.read_text())
    assert record["summary"]["failed"] == [] and selfcheck.is_sound(record["self_check"])
    assert all(order["failed"] == 0 for order in record["dieharder"]["orders"].values())


def test_the_page_on_noise_says_what_the_record_says() -> None:
    page = (Path(__file__).parents[1] / "docs" / "noise.md").read_text()
    record = json.loads(__main__.RESULT.read_text())
    smallest = {group: f"{min(p.values()):.2g}" for group, p in record["p"].items()}
    figures = [f"{record['summary']['tests']} p-values is {record['summary']['smallest_p']}"]
    for order in sources.ORDERS:
        figures.append(f"{record['amounts'][f'words by {order}']:,} | {smallest[f'words by {order}']} |")
        row = record["dieharder"]["orders"][order]
        cells = (f"{row['words']:,}", row["lines"], row["weak"], row["weak_expected"], row["failed"])
        figures.append(" | ".join(map(str, cells)))
    for group in ("neighbours", "spectrum"):
        figures.append(f"{smallest[f'float32: {group}']} | {smallest[f'float64: {group}']}")
    for end in record["tails"].values():
        figures += [str(end["end"]), f"{end['probability_beyond_the_end']:.2g}"]
    assert [figure for figure in figures if figure not in page] == []
