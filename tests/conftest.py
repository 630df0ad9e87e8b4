"""Hypothesis profiles, the fixture `rng` and the option ``--slow``.

HYPOTHESIS_PROFILE : dev (the default), ci (the default where CI is set) or thorough.
ISOPERIMETRY_TEST_SEED : another integer re-rolls everything random, Hypothesis included.
"""

from __future__ import annotations

import os
import zlib

import hypothesis
import numpy as np
import pytest

SEED_VARIABLE = "ISOPERIMETRY_TEST_SEED"

# No deadline: the first call of a kernel compiles it. ci repeats itself: a new failure there is due to the change.
hypothesis.settings.register_profile("dev", deadline=None, max_examples=50)
hypothesis.settings.register_profile(
    "ci", deadline=None, max_examples=100, derandomize=SEED_VARIABLE not in os.environ, database=None, print_blob=True
)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=5000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


@pytest.hookimpl(tryfirst=True)  # before Hypothesis reads its own option
def pytest_configure(config: pytest.Config) -> None:
    if SEED_VARIABLE in os.environ and config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = os.environ[SEED_VARIABLE]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="a full-size check: run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


def pytest_report_header() -> str:
    return f"{SEED_VARIABLE}={os.environ.get(SEED_VARIABLE, 'not set')}"


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A generator of its own for each test: the same numbers in every run, unless ISOPERIMETRY_TEST_SEED says else."""
    return np.random.default_rng([int(os.environ.get(SEED_VARIABLE, "0")), zlib.crc32(request.node.nodeid.encode())])
