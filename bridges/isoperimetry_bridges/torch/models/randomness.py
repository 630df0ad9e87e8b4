"""The random state that belongs to the process: set for a while, and put back; one thread at a time."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch

# Whoever seeds the generators of the process must be alone until they are put back.
_LOCK = threading.RLock()


@contextmanager
def global_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the generators of Python, NumPy and torch (of the CPU and ``device``), and put all of them back at the end.

    Code of others draws from these generators, and may seed them too. Only one thread is inside at a time.

    Examples
    --------
    >>> with global_randomness(0, torch.device("cpu")):
    ...     first = torch.rand(1)
    >>> with global_randomness(0, torch.device("cpu")):
    ...     second = torch.rand(1)
    >>> torch.equal(first, second)
    True
    """
    # `torch.manual_seed`, which others call, seeds every GPU; asking one that nobody has used yet would start it.
    used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = range(torch.cuda.device_count()) if used else ()
    current = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
    with _LOCK, torch.random.fork_rng(devices=devices), current:
        kept = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is the state that others use
        try:
            torch.default_generator.manual_seed(seed)
            if device.type == "cuda":
                torch.cuda.manual_seed(seed)
            random.seed(seed)
            np.random.set_state(np.random.RandomState(seed % 2**32).get_state())  # noqa: NPY002
            yield
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])  # noqa: NPY002
