"""Text to standard output, for the commands of this package and of its bridges."""

from __future__ import annotations

import os
import sys


def write_out(text: str) -> None:
    """Write to standard output, whatever its encoding; once a reader has gone away, to nowhere.

    Parameters
    ----------
    text : str
        Written as it is: a line ends where it says so.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        # The work goes on, for its files and its exit code; Python must not find the closed pipe again at its end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
