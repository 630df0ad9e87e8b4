"""Error rates in Gaussian noise: how often the model is wrong on image + sigma * z."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from isoperimetry.checks import Measurement
from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.streams import Stream, as_stream
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.noise import noise_stream, noisy_images
from isoperimetry_bridges.torch.parallel import each_image
from isoperimetry_bridges.torch.timing import Stopwatch


class ErrorCounter:
    """Counts errors of one classifier over ranges of keyed draws; holds one batch of noise, however many they are.

    Parameters
    ----------
    classifier : Classifier
    clip : bool
        Clip noisy images to the input box before the model sees them.
    clock : Stopwatch, optional
        Gets the seconds spent on noise, forward passes and tallying.
    """

    def __init__(self, classifier: Classifier, *, clip: bool = False, clock: Stopwatch | None = None) -> None:
        self.classifier = classifier
        self.bounds = classifier.bounds if clip else None
        self.clock = clock or Stopwatch()
        self.n_calls = 0
        self._buffer: np.ndarray[tuple[int, int], np.dtype[np.float32]] | None = None

    def __call__(self, image: Tensor, label: int, sigma: float, *, stream: Stream, first: int, count: int) -> int:
        """Return the number of errors among draws ``first`` to ``first + count - 1`` of ``stream``."""
        dim = image.numel()
        size = self.classifier.batch_size(dim)
        if self._buffer is None or self._buffer.shape != (size, dim):
            self._buffer = np.empty((size, dim), np.float32)
        errors = 0
        for start in range(first, first + count, size):
            with self.clock("noise"):
                batch = noisy_images(
                    image,
                    sigma,
                    stream=stream,
                    first=start,
                    count=min(size, first + count - start),
                    bounds=self.bounds,
                    buffer=self._buffer,
                )
            with self.clock("forward"):
                classes = self.classifier.predict(batch)
            with self.clock("tally"):
                errors += int((classes != label).sum())
        self.n_calls += count
        return errors


def _as_tensor(values: Any) -> Tensor:
    # torch takes no array that runs backwards, and warns of one that cannot be written to: both are copied.
    if isinstance(values, np.ndarray) and not (values.flags.writeable and min(values.strides, default=0) >= 0):
        values = values.copy()
    return torch.as_tensor(values)


def as_count(name: str, value: Any) -> int:
    """Return a number of draws, an integer >= 1."""
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r} must be an integer: it is a number of draws.") from None
    if count < 1:
        raise ValueError(f"{name}={count} must be >= 1: it is a number of draws.")
    return count


def as_tensors(images: Any, labels: Any) -> tuple[Tensor, Tensor]:
    """Return float32 images and int64 labels on the CPU from tensors or arrays.

    Raises
    ------
    TypeError
        If images are not floating-point numbers or labels are not integers.
    """
    x, y = _as_tensor(images), _as_tensor(labels)
    if not x.is_floating_point():
        raise TypeError(f"images has dtype {x.dtype} but must be floating point: divide 8-bit images by 255.")
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise TypeError(f"labels has dtype {y.dtype} but must be integers: the index of each image's class.")
    return x.detach().to("cpu", torch.float32).contiguous(), y.detach().to("cpu", torch.int64)


def as_ids(image_ids: Sequence[int] | None, count: int) -> tuple[int, ...]:
    """Return the ids that key the noise, by default 0, 1, ...; they must be distinct."""
    ids = tuple(range(count)) if image_ids is None else tuple(int(i) for i in image_ids)
    if len(ids) != count or len(set(ids)) != count:
        raise ValueError(f"image_ids has {len(set(ids))} distinct entries but there are {count} images: give one each.")
    return ids


def as_sigmas(sigma: Any, count: int, name: str = "sigma") -> tuple[float, ...]:
    """Return one finite length > 0 per image."""
    values = np.asarray(sigma, float)
    if values.shape not in ((), (count,)):
        raise ValueError(f"{name} has shape {values.shape} but must be one number or ({count},): one for each image.")
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f"{name}={sigma!r} must be finite and > 0: it is a length in the unit of the images.")
    return tuple(float(s) for s in np.broadcast_to(values, (count,)))


def measure_error_rate(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    sigma: float | Sequence[float],
    n_samples: int = 10_000,
    rng: Any = None,
    image_ids: Sequence[int] | None = None,
    clip: bool = False,
    progress: ProgressLike = None,
) -> list[Measurement]:
    """Count the errors of a classifier in Gaussian noise around each image.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1].
    images : Tensor or array, shape (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes; the label is kept for every noisy image.
    sigma : float or sequence of n floats
        Standard deviation of the noise, in the unit of the images.
    n_samples : int, default 10,000
        Draws per image, fixed in advance, so that Clopper-Pearson intervals are valid.
    rng : None, int, SeedSequence, Generator or Stream
        Seed of the noise; each draw is keyed by it, the purpose "count", the image's id and the draw's index. `audit`
        counts on the same draws: with the same ``rng``, do not choose its sigma by what comes out here.
    image_ids : sequence of n distinct int, optional
        Names of the images in the key, by default 0, 1, ...
    clip : bool, default False
        Clip the noisy images to the box; recorded.
    progress : optional
        See `isoperimetry.progress`.

    Returns
    -------
    list of Measurement, one per image
        With ``errors``, ``trials`` and ``sigma``.

    Examples
    --------
    >>> import torch
    >>> half_space = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False)).eval()
    >>> _ = half_space[1].weight.data.copy_(torch.tensor([[0.0] * 4, [1.0, 0.0, 0.0, 0.0]]))
    >>> measured = measure_error_rate(
    ...     Classifier(half_space), torch.zeros(1, 1, 2, 2), torch.tensor([0]), sigma=1.0, n_samples=1000, rng=0
    ... )
    >>> 440 < measured[0].errors < 560
    True
    """
    classifier, (x, y) = as_classifier(classifier), as_tensors(images, labels)
    classifier.check(x, y)
    ids, sigmas = as_ids(image_ids, len(x)), as_sigmas(sigma, len(x))
    n_samples = as_count("n_samples", n_samples)
    root = as_stream(rng)
    model = classifier.fingerprint()

    def measure(worker: Classifier, i: int) -> Measurement:
        stream = noise_stream(root, "count", ids[i])
        count = ErrorCounter(worker, clip=clip)
        return Measurement(
            errors=count(x[i], int(y[i]), sigmas[i], stream=stream, first=0, count=n_samples),
            trials=n_samples,
            sigma=sigmas[i],
            dim=x[i].numel(),
            clipping=clip,
            provenance={"model": model, "seed": root.seed, "image": ids[i]},
        )

    with as_progress(progress).start(f"{classifier.name}: error rates", len(x)) as stage:
        return each_image(classifier, measure, len(x), stage, device=classifier.device)
