"""A module through `torch.compile`, in batches of any size, and never quietly without it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.faults import raised

# Versions of the code of one module: with and without gradients, for one input and for several, for some ranges of
# batch sizes. torch's own limit, 8, is soon met, and beyond it the module runs uncompiled, which rounds differently.
MOST_VERSIONS = 64

_lock = threading.Lock()
_running: list[Any] = []  # the patch of torch's settings, once for each thread that is inside


class Compiled:
    """A module through `torch.compile`; code is made for any number of rows, as batches have many sizes.

    Raises
    ------
    ModelError
        When called, if the module cannot be compiled.
    """

    def __init__(self, module: nn.Module) -> None:
        self._run = torch.compile(module)

    def __call__(self, x: Tensor) -> Any:
        """Return what the module returns for inputs of shape (batch, ...)."""
        import torch._dynamo as dynamo

        if len(x) > 1:  # code for one row is always code for one row only
            dynamo.maybe_mark_dynamic(x, 0)
        try:
            with _strict():
                return self._run(x)
        except Exception as error:
            if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise ModelError(
                    f"torch.compile cannot compile the model, it {raised(error)}: leave out compiled=True, or install "
                    "what torch.compile needs (a C++ compiler on a CPU, triton on a GPU)."
                ) from error
            raise


@contextmanager
def _strict() -> Iterator[None]:
    """Allow more versions of the code than torch does, and none that is not compiled; put torch's settings back."""
    import torch._dynamo.config as config

    with _lock:
        if not _running:
            patch = config.patch(recompile_limit=MOST_VERSIONS, fail_on_recompile_limit_hit=True)
            patch.__enter__()
        else:
            patch = _running[0]
        _running.append(patch)
    try:
        yield
    finally:
        with _lock:
            _running.pop()
            if not _running:
                patch.__exit__(None, None, None)
