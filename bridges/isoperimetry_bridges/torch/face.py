"""The margin of one label of a classifier, as the functions of arrays that the estimators of rare errors ask."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoperimetry_bridges.torch.attacks.gradients import Gradients
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.criterion import Judgement, read_logits
from isoperimetry_bridges.torch.faults import is_out_of_memory, not_finite
from isoperimetry_bridges.torch.identity import digest

Array = NDArray[np.float64]

RIVALS, STEPS = 9, 6
"""Classes whose own nearest errors are looked for, the likeliest first; and the gradients that each gets."""

BATCH_VALUES, BATCH = 1 << 18, 256
"""Numbers, and rows, of a call of the margin: by the dimension alone, so that draws do not depend on the device."""


class Face:
    """The margin of one label of a classifier, as functions of arrays: float64 outside, the model's type inside."""

    def __init__(self, classifier: Classifier, image: Tensor, label: Tensor, *, clip: bool) -> None:
        self.classifier, self.image, self.label, self.clip = classifier, image, label, clip
        self.rows = max(1, min(BATCH, BATCH_VALUES // image.numel()))
        self.has_gradient = classifier.differentiable
        self.asked = self.asked_gradients = 0
        self._gradients = Gradients(classifier, "volume", margin=True) if classifier.differentiable else None
        # A record tells functions apart by this name.
        self.__qualname__ = f"margin {digest([classifier.fingerprint(), str(clip)], [('label', label)])}"

    def _inputs(self, points: Array) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(points)).to(self.classifier.device, self.classifier.input_dtype)
        return x.view(len(points), *self.image.shape)

    def _labels(self, rows: int) -> Tensor:
        return self.label.to(self.classifier.device).expand(rows, *self.label.shape[1:])

    def _boxed(self, x: Tensor) -> Tensor:
        return x.clamp(*self.classifier.bounds) if self.clip else x

    def _in_batches(self, points: Array, answer: Any) -> list[Any]:
        """Ask in batches that the memory can take."""
        found, first = [], 0
        while first < len(points):
            size = self.classifier.batch_size(self.image.numel())
            rows = slice(first, first + size)
            try:
                found.append(answer(self._inputs(points[rows]), rows))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self.classifier.shrink_batch(size)
                continue
            first += size
        return found

    def __call__(self, points: Array) -> Array:
        """Return margins, shape (n,), of points (n, dim): at most 0 where the classifier counts an error."""

        def answer(x: Tensor, rows: slice) -> Array:
            found = self._judged(x)
            # Where a user's criterion has both, its verdict decides and its margin is followed.
            least = torch.finfo(found.margins.dtype).tiny
            margins = torch.where(found.wrong, found.margins.clamp(max=0), found.margins.clamp(min=least))
            return cast(Array, margins.double().cpu().numpy())

        return np.concatenate(self._in_batches(points, answer))

    def _judged(self, x: Tensor) -> Judgement:
        found = self.classifier.judge(self._boxed(x), self._labels(len(x)))
        if found.broken.any():
            raise not_finite()
        return found

    def contains(self, points: Array) -> NDArray[np.bool_]:
        """Return which points are errors, shape (n,)."""
        return np.concatenate(self._in_batches(points, lambda x, rows: self._judged(x).wrong.cpu().numpy()))

    def gradient(self, points: Array) -> Array:
        """Return gradients of the margin, shape (n, dim)."""
        return self._slopes(points)[1]

    def _slopes(self, points: Array, targets: Tensor | None = None) -> tuple[Array, Array]:
        """Return margins and their gradients, against one target class for each point where these are given."""
        assert self._gradients is not None
        slopes = self._gradients

        def answer(x: Tensor, rows: slice) -> tuple[Array, Array]:
            boxed = self._boxed(x)
            found = slopes(boxed, self._labels(len(x)), None if targets is None else targets[rows])
            # The loss falls with the margin, and what is clipped away has no slope.
            gradient = torch.where(boxed == x, -found.gradient, 0.0)
            return found.margins.cpu().numpy(), gradient.double().cpu().numpy().reshape(len(x), -1)

        margins, gradients = zip(*self._in_batches(points, answer), strict=True)
        return np.concatenate(margins), np.concatenate(gradients)

    def look(self, center: Array) -> float:
        """Return the margin at the center; find out whether there is a gradient to follow."""
        margin = float(self(center[None])[0])
        self.asked += 1
        if self.has_gradient:
            self.asked_gradients += 1
            self.has_gradient = bool(self.gradient(center[None]).any())
        return margin

    def rivals(self, center: Array) -> Array:
        """Return a point on the boundary to each of the likeliest other classes, shape (k, dim), as steps lead there.

        The linear step (Hasofer, Lind 1974) goes to the nearest point at which the class would win if the model were
        linear; the search of the estimators makes a design point of it.
        """
        logits = read_logits(self.classifier.outputs(self._boxed(self._inputs(center[None]))), 1)[0].detach()
        own = int(self.label[0])
        order = [k for k in logits.argsort(descending=True).tolist() if k != own][:RIVALS]
        target = torch.tensor(order, device=logits.device)
        points = np.tile(center, (len(order), 1))
        self.asked += 1
        for _ in range(STEPS):
            margins, slopes = self._slopes(points, target)
            self.asked_gradients += len(order)
            squares = np.einsum("ij,ij->i", slopes, slopes)
            good = squares > 0
            offset = np.einsum("ij,ij->i", slopes, points - center) - margins
            step = np.where(good, offset / np.where(good, squares, 1.0), 0.0)
            points = np.where(good[:, None], center + step[:, None] * slopes, points)
        return points[np.isfinite(points).all(axis=1)]
