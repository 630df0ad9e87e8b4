"""Gaussian noise around images, keyed by (seed, purpose, image, draw), written where the model reads it.

A draw is named by those four, so that it does not depend on the batch size, on the order of work, on what was drawn
before or on the device; and an audit, which uses the purposes ``count`` and ``start``, never sees a draw that chose its
sigma.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoperimetry.streams import Stream, add_noise
from isoperimetry_bridges.torch import philox

Purpose = Literal["search", "count", "start", "attack", "agreement"]
Engine = Literal["compiled", "triton", "torch"]


def noise_stream(root: Stream, purpose: Purpose, image_id: int | str) -> Stream:
    """Return the stream of one purpose and image.

    Examples
    --------
    >>> from isoperimetry.streams import as_stream
    >>> noise_stream(as_stream(7), "count", 3) == noise_stream(as_stream(7), "start", 3)
    False
    """
    return root.split(purpose, image_id)


def noisy_images(
    image: Tensor,
    sigma: float,
    *,
    stream: Stream,
    first: int,
    count: int,
    bounds: tuple[float, float] | None = None,
    buffer: NDArray[Any] | None = None,
) -> Tensor:
    """Return draws ``first`` to ``first + count - 1`` of image + sigma * z.

    Parameters
    ----------
    image : Tensor, any shape
        Float64, or else taken as float32: the two types have different noise.
    sigma : float
        Standard deviation of the noise, in the unit of the image.
    stream : Stream
        From `noise_stream`.
    first, count : int
        Which draws.
    bounds : (float, float), optional
        Clip the result to this box; default: not clipped.
    buffer : array, shape (>= count, dim), of the type of the noise, optional
        Memory to use again; the result then shares it until the next call.

    Returns
    -------
    Tensor, shape (count, *image.shape), float64 if the image is, else float32, on the CPU

    Examples
    --------
    >>> from isoperimetry.streams import as_stream
    >>> stream = noise_stream(as_stream(7), "count", 3)
    >>> draws = noisy_images(torch.zeros(3, 8, 8), 0.1, stream=stream, first=0, count=100)
    >>> bool((draws[41] == noisy_images(torch.zeros(3, 8, 8), 0.1, stream=stream, first=41, count=1)).all())
    True
    """
    source = NoiseSource(image.unsqueeze(0), bounds=bounds)
    if buffer is None:
        out = torch.empty((count, *image.shape), dtype=source.dtype)
    else:
        out = torch.from_numpy(buffer[:count]).view(count, *image.shape)
    return source.fill([Run(0, sigma, stream, first, count)], out)


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """Draws ``first`` to ``first + count - 1`` of a stream, around one of many images.

    Attributes
    ----------
    image : int
        Index of the image.
    sigma : float
        Standard deviation of the noise, in the unit of the images.
    stream : Stream
        From `noise_stream`.
    first, count : int
        Which draws; ``first + count`` is at most 2**64.
    """

    image: int
    sigma: float
    stream: Stream
    first: int
    count: int


class NoiseSource:
    """Writes noisy images of many runs into the memory of a batch; the noise is stored nowhere else.

    Parameters
    ----------
    images : Tensor, shape (n, ...)
        What the noise is added to; float64, or else taken as float32.
    device : torch.device or str
        Where batches are.
    bounds : (float, float), optional
        Clip the noisy images to this box; default: not clipped.
    engine : {"compiled", "triton", "torch"}, optional
        What makes the noise. By default ``"compiled"``, the kernel of `isoperimetry.streams.add_noise`, on the CPU;
        ``"triton"``, one pass on the device, on CUDA where the package triton is installed; and otherwise ``"torch"``,
        operations of torch one by one, which any device has. All make the same draws, up to a few units in the last
        place of a normal.
    n_threads : int, optional
        Of the compiled kernel; see `isoperimetry.streams.add_noise`.

    Attributes
    ----------
    device : torch.device
    dtype : torch.dtype
        Of the batches: float64 if the images are, else float32. The two types have different noise.
    engine : str

    Raises
    ------
    ValueError
        If the engine is none of these, or cannot serve the device.

    Examples
    --------
    >>> from isoperimetry.streams import as_stream
    >>> root = as_stream(7)
    >>> source = NoiseSource(torch.rand(2, 3, 8, 8))
    >>> runs = [Run(0, 0.1, noise_stream(root, "count", 0), 40, 3), Run(1, 0.2, noise_stream(root, "count", 1), 0, 5)]
    >>> batch = torch.empty(16, 3, 8, 8)
    >>> source.fill(runs, batch).shape
    torch.Size([8, 3, 8, 8])
    >>> source.engine
    'compiled'
    """

    def __init__(
        self,
        images: Tensor,
        *,
        device: torch.device | str = "cpu",
        bounds: tuple[float, float] | None = None,
        engine: Engine | None = None,
        n_threads: int | None = None,
    ) -> None:
        self.n_threads = n_threads
        self.dtype = torch.float64 if images.dtype == torch.float64 else torch.float32
        self._shape = tuple(images.shape[1:])
        dim = math.prod(self._shape)
        self._centers = images.detach().to(device, self.dtype).reshape(len(images), dim).contiguous()
        self.device, self.bounds = self._centers.device, bounds  # with its index, where the name has none
        self.engine: Engine = engine or _best_engine(self.device)
        self._add_noise: Callable[[Tensor, Tensor, Tensor, tuple[float, float] | None], None] | None = None
        if self.engine == "triton":
            from isoperimetry_bridges.torch.philox_triton import add_noise as add_noise_triton

            self._add_noise = add_noise_triton
        elif self.engine == "torch":
            self._add_noise = philox.add_noise
        elif self.engine != "compiled" or self.device.type != "cpu":
            raise ValueError(
                f"engine={self.engine!r} must be 'triton' or 'torch', or on a CPU 'compiled', but the device is "
                f"{self.device}: leave it out for the fastest."
            )

    def fill(self, runs: Sequence[Run], out: Tensor) -> Tensor:
        """Write image + sigma * z of all runs, one after the other, into the first rows of ``out``.

        On a device this waits for nothing: what names the draws is sent along, and the work joins the current stream.

        Parameters
        ----------
        runs : sequence of Run
        out : Tensor, shape (>= number of draws, ...), contiguous
            Of the type and on the device of the source.

        Returns
        -------
        Tensor, shape (number of draws, ...)
            The rows of ``out`` that were written.

        Raises
        ------
        TypeError, ValueError
            If ``out`` does not fit, or a run names no image, no draw or no scale.
        """
        total = sum([run.count for run in runs])
        self._check(runs, total, out)
        rows = out[:total]
        flat = rows.detach().view(total, self._centers.shape[1])
        if self._add_noise is not None:
            with torch.no_grad():
                self._add_noise(flat, self._centers, self._send(_table(runs, total, self.dtype)), self.bounds)
            return rows
        lines, centers, at = flat.numpy(), self._centers.numpy(), 0
        for run in runs:
            end = at + run.count
            add_noise(
                centers[run.image], run.sigma, stream=run.stream, first=run.first, out=lines[at:end],
                n_threads=self.n_threads,
            )  # fmt: skip
            at = end
        if self.bounds is not None:
            flat.clamp_(*self.bounds)
        return rows

    def _send(self, table: NDArray[np.int64]) -> Tensor:
        """Copy to the device; from pinned memory, which torch keeps until the copy is done, the host does not wait."""
        host = torch.from_numpy(table)
        if self.device.type != "cuda":
            return host.to(self.device)
        return host.pin_memory().to(self.device, non_blocking=True)

    def _check(self, runs: Sequence[Run], total: int, out: Tensor) -> None:
        if out.dtype != self.dtype or out.device != self.device:
            raise TypeError(
                f"out is {out.dtype} on {out.device} but must be {self.dtype} on {self.device}: the noise is written "
                "as the images are."
            )
        if tuple(out.shape[1:]) != self._shape or len(out) < total or not out.is_contiguous():
            raise ValueError(
                f"out has shape {tuple(out.shape)} and strides {out.stride()} but must be contiguous, of shape "
                f"{(total, *self._shape)} or more rows: one for each draw."
            )
        for run in runs:
            if not 0 <= run.image < len(self._centers):
                raise ValueError(f"{run} must have an image in [0, {len(self._centers)}): it is the index of one.")


def _best_engine(device: torch.device) -> Engine:
    if device.type == "cpu":
        return "compiled"
    return "triton" if device.type == "cuda" and importlib.util.find_spec("triton") is not None else "torch"


def _table(runs: Sequence[Run], total: int, dtype: torch.dtype) -> NDArray[np.int64]:
    """Return what names each row, shape (total, 4): key, draw, image, and the bits of sigma."""
    for run in runs:
        # As `add_noise` has it.
        if run.first < 0 or run.count < 0 or run.first + run.count > 2**64:
            raise ValueError(f"{run} must have draws in [0, 2**64): the index of a draw has 64 bits.")
        if not 0 <= run.sigma < math.inf:
            raise ValueError(f"{run} must have a finite sigma >= 0: it is the scale of the noise.")
    scales = np.array([run.sigma for run in runs], np.float64)
    sigmas = np.zeros((len(runs), 8 // dtype.itemsize), np.float64 if dtype == torch.float64 else np.float32)
    with np.errstate(over="ignore", under="ignore"):
        sigmas[:, 0] = scales
    lost = ~np.isfinite(sigmas[:, 0]) | ((sigmas[:, 0] == 0) != (scales == 0))
    if lost.any():
        raise ValueError(
            f"{runs[int(lost.argmax())]} must have a sigma within the range of {dtype}: use float64 images."
        )
    names = np.empty((len(runs), 4), np.int64)
    names[:, philox.KEY] = np.array([run.stream.key for run in runs], np.uint64).view(np.int64)
    names[:, philox.DRAW] = np.array([run.first % 2**64 for run in runs], np.uint64).view(np.int64)
    names[:, philox.IMAGE] = [run.image for run in runs]
    names[:, philox.SIGMA] = sigmas.view(np.int64)[:, 0]
    counts = np.array([run.count for run in runs], np.int64)
    table = names.repeat(counts, axis=0)
    # The place of a row in its run is added to the first draw; as numbers with a sign they wrap to the same bits.
    table[:, philox.DRAW] += np.arange(total) - (counts.cumsum() - counts).repeat(counts)
    return table
