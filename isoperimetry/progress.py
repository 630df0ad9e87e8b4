"""One progress interface for every long job: a bar on the terminal, a callback, or silence.

A job takes ``progress=None``, opens ``with as_progress(progress).start("attack", total) as stage:`` and calls
``stage.advance(n)`` as it goes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from isoperimetry import _validate

if TYPE_CHECKING:
    import rich.progress

Callback: TypeAlias = Callable[[int, int | None, str], object]


class Progress:
    """Silent progress, and the base of the others: stages that are started, advanced and finished.

    Stages nest: ``advance`` and ``finish`` are about the stage started last, so a job may hand its own progress to the
    jobs it is made of. Override `_show` to display the state in another way.
    """

    def __init__(self) -> None:
        self._stages: list[_Stage] = []

    def start(self, description: str, total: int | None = None) -> Self:
        """Start a stage inside the stage that is running, if any.

        Parameters
        ----------
        description : str
            What is being done, in a few words.
        total : int, optional
            How many units of work there are, >= 0; None: not known.

        Returns
        -------
        Progress
            This object, so that ``with progress.start(...) as stage`` finishes the stage, also after an exception.
        """
        stage = _Stage(description, None if total is None else _validate.as_count("total", total))
        self._stages.append(stage)
        self._show(stage)
        return self

    def advance(self, n: int = 1) -> None:
        """Count ``n`` >= 0 more units of the stage started last as done."""
        stage = self._current("advance")
        stage.done += _validate.as_count("n", n)
        self._show(stage)

    def describe(self, description: str) -> None:
        """Say in other words what the stage started last is doing, for instance with the result so far."""
        stage = self._current("describe")
        stage.description = description
        self._show(stage)

    def finish(self) -> None:
        """End the stage started last."""
        stage = self._current("finish")
        self._stages.pop()
        self._hide(stage)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def _current(self, what: str) -> _Stage:
        if not self._stages:
            raise RuntimeError(f"{what}() must follow start(): no stage of this progress is running.")
        return self._stages[-1]

    def _show(self, stage: _Stage) -> None:
        """Display the new state of a stage."""

    def _hide(self, stage: _Stage) -> None:
        """Take a finished stage off the display."""


class _Stage:
    """State of one stage; ``handle`` is whatever the display needs to find it again."""

    __slots__ = ("description", "done", "handle", "total")

    def __init__(self, description: str, total: int | None) -> None:
        self.description, self.total, self.done = description, total, 0
        self.handle: Any = None


class CallbackProgress(Progress):
    """Progress that calls ``callback(done, total, description)`` at the start of a stage and after each advance.

    An exception that the callback raises ends the job: that is the way to cancel one.

    Examples
    --------
    >>> with CallbackProgress(print).start("counting", total=4) as stage:
    ...     stage.advance(3)
    0 4 counting
    3 4 counting
    """

    def __init__(self, callback: Callback) -> None:
        super().__init__()
        self._callback = callback

    def _show(self, stage: _Stage) -> None:
        self._callback(stage.done, stage.total, stage.description)


class BarProgress(Progress):
    """A bar on standard error for each running stage: percentage, elapsed and remaining time.

    The bars vanish when their stages end. Nothing is shown where standard error is no terminal, so that logs stay
    clean.

    Parameters
    ----------
    force : bool
        Show the bars even where standard error is no terminal.
    """

    def __init__(self, *, force: bool = False) -> None:
        super().__init__()
        self._force = force
        self._bars: rich.progress.Progress | None = None

    def _show(self, stage: _Stage) -> None:
        if self._bars is None:
            if not (self._force or sys.stderr.isatty()):
                return
            self._bars = _make_bars(self._force)
            self._bars.start()
        if stage.handle is None:
            stage.handle = self._bars.add_task(stage.description, total=stage.total)
        self._bars.update(stage.handle, completed=stage.done, description=stage.description)

    def _hide(self, stage: _Stage) -> None:
        if self._bars is None:
            return
        if self._stages:
            self._bars.remove_task(stage.handle)
        else:
            self._bars.stop()
            self._bars = None


def _make_bars(force: bool) -> rich.progress.Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed
    from rich.progress import TimeRemainingColumn as Remaining

    # Standard output is not redirected: what a job prints there must not end on standard error with the bars. Steps may
    # take longer than rich's default window of 30 s, and the remaining time would be lost between them.
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        Elapsed(),
        TextColumn("elapsed,"),
        Remaining(),
        TextColumn("left"),
        console=Console(stderr=True, force_terminal=True if force else None),
        transient=True,
        redirect_stdout=False,
        speed_estimate_period=600,
    )


ProgressLike: TypeAlias = bool | Callback | Progress | None


def as_progress(progress: ProgressLike) -> Progress:
    """Return the progress that an argument ``progress=`` asks for.

    Parameters
    ----------
    progress : bool, callable, Progress or None
        True: bars on the terminal. None or False: silence. A callable gets ``(done, total, description)``, with total
        None where it is not known. A `Progress` is returned as it is, so its running stages go on.

    Returns
    -------
    Progress
        The object to start stages on.

    Raises
    ------
    TypeError
        If ``progress`` is something else.

    Examples
    --------
    >>> with as_progress(None).start("attack", total=10) as stage:
    ...     stage.advance(10)
    """
    if isinstance(progress, Progress):
        return progress
    if progress is None or progress is False:
        return Progress()
    if progress is True:
        return BarProgress()
    if callable(progress):
        return CallbackProgress(progress)
    raise TypeError(
        f"progress={progress!r} must be None, a bool, a callable or a Progress: write True for a bar on the terminal."
    )
