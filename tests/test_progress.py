from __future__ import annotations

import doctest
import subprocess
import sys

import numpy as np
import pytest

from isoperimetry import progress
from isoperimetry.progress import BarProgress, CallbackProgress, Progress, as_progress


class _Terminal:
    """Standard error of a terminal that remembers what was written."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


def test_examples_run():
    assert doctest.testmod(progress).failed == 0


@pytest.mark.parametrize("argument", [None, False])
def test_none_and_false_are_silent(argument, capfd):
    job = as_progress(argument)
    with job.start("attack", total=3) as stage:
        assert stage is job
        stage.advance(3)
    assert type(job) is Progress
    assert capfd.readouterr() == ("", "")


def test_true_is_a_bar():
    assert isinstance(as_progress(True), BarProgress)


def test_progress_is_kept():
    job = Progress()
    assert as_progress(job) is job


@pytest.mark.parametrize("argument", ["bar", 3, 1.0, [print]])
def test_other_arguments_are_refused(argument):
    with pytest.raises(TypeError, match=r"progress=.* must be None, a bool, a callable or a Progress"):
        as_progress(argument)


def test_callback_sees_start_and_every_advance():
    seen = []
    with as_progress(lambda *state: seen.append(state)).start("count", total=10) as stage:
        stage.advance(4)
        stage.advance(np.int64(6))
    assert seen == [(0, 10, "count"), (4, 10, "count"), (10, 10, "count")]


def test_unknown_total_is_none():
    seen = []
    with as_progress(lambda *state: seen.append(state)).start("search") as stage:
        stage.advance()
    assert seen == [(0, None, "search"), (1, None, "search")]


def test_stages_nest_and_the_outer_one_goes_on():
    seen = []
    job = CallbackProgress(lambda *state: seen.append(state))
    with job.start("images", total=2):
        for _ in range(2):
            with as_progress(job).start("starts", total=5) as inner:
                inner.advance(5)
            job.advance()
    assert [state for state in seen if state[2] == "images"] == [(0, 2, "images"), (1, 2, "images"), (2, 2, "images")]
    assert [state for state in seen if state[2] == "starts"] == [(0, 5, "starts"), (5, 5, "starts")] * 2


def test_exception_of_the_callback_cancels_the_job_and_ends_the_stage():
    def callback(done, total, description):
        if done:
            raise KeyboardInterrupt

    job = as_progress(callback)
    with pytest.raises(KeyboardInterrupt), job.start("attack", total=3) as stage:
        stage.advance()
    with pytest.raises(RuntimeError, match="no stage"):
        job.advance()


@pytest.mark.parametrize("what", ["advance", "finish"])
def test_a_stage_must_have_been_started(what):
    with pytest.raises(RuntimeError, match=rf"{what}\(\) must follow start\(\)"):
        getattr(Progress(), what)()


@pytest.mark.parametrize("n, error", [(-1, ValueError), (0.5, TypeError)])
def test_counts_are_checked(n, error):
    with pytest.raises(error, match="n="):
        Progress().start("count", total=5).advance(n)
    with pytest.raises(error, match="total="):
        Progress().start("count", total=n)


def test_bar_shows_what_is_done_and_left_and_then_vanishes(monkeypatch, capsys):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    job = BarProgress()
    with job.start("noise [b]draws[/b]", total=8) as stage:
        stage.advance(2)
        with job.start("attack", total=4):
            job.advance(1)
            job._bars.refresh()
            print("a result")
    assert "noise [b]draws[/b]" in terminal.text and "attack" in terminal.text
    assert "2/8" in terminal.text and "1/4" in terminal.text and "25%" in terminal.text
    assert "left" in terminal.text and "0:00:0" in terminal.text
    assert terminal.text.rstrip("\n\r").endswith("\x1b[2K")  # the last thing done is to erase the lines
    assert capsys.readouterr().out == "a result\n"
    assert job._bars is None
    with job.start("again", total=1):
        job._bars.refresh()
    assert "again" in terminal.text


def test_bar_is_silent_without_a_terminal(capfd):
    job = BarProgress()
    with job.start("draws", total=2), job.start("attack", total=1):
        job.advance()
    assert capfd.readouterr() == ("", "")


def test_bar_can_be_forced(capfd, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    job = BarProgress(force=True)
    with job.start("draws", total=2):
        job.advance()
        job._bars.refresh()
    out, err = capfd.readouterr()
    assert out == "" and "draws" in err and "1/2" in err


def test_importing_it_needs_no_rich():
    code = "import sys, isoperimetry.progress; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
