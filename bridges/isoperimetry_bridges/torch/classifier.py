"""A torch model as the audit needs it: deterministic, in evaluation mode, with finite logits and a known input box."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError

# Batches of about this many input values are near the speed of large ones on CPU and small enough for any memory.
_VALUES_PER_BATCH = 400_000


def raised(error: BaseException) -> str:
    """Return what the user's code raised, on one line."""
    first_line = str(error).partition("\n")[0]
    return f"raised {type(error).__name__}: {first_line}"


def _refuse_training(module: nn.Module) -> None:
    training = [part for part, child in module.named_modules() if child.training]
    if training:
        where = f"its part '{training[0]}'" if training[0] else "it"
        raise ModelError(f"The model must be in evaluation mode but {where} is in training mode: call model.eval().")


def as_classifier(model: Classifier | nn.Module) -> Classifier:
    """Return a classifier as it is, and a module as a classifier with the default settings."""
    return model if isinstance(model, Classifier) else Classifier(model)


class Classifier:
    """A classifier: module, input box, normalisation and device.

    Distances and noise are in the unit of the inputs given to this object, before ``mean`` and ``std``.

    Parameters
    ----------
    module : torch.nn.Module
        Maps images of shape (batch, channels, height, width) to logits of shape (batch, classes). It is moved to
        ``device`` and must be in evaluation mode.
    bounds : (float, float), default (0, 1)
        Smallest and largest value of an input.
    mean, std : sequence of float, one per channel, optional
        Normalisation ``(x - mean) / std`` done here before the module is called.
    device : str or torch.device, optional
        Where the model runs; default: where its parameters are.
    name : str, optional
        How reports call it; default: the class of the module.

    Raises
    ------
    ModelError
        If the module or a part of it is in training mode.

    Examples
    --------
    >>> import torch
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3)).eval()
    >>> Classifier(linear).predict(torch.zeros(2, 1, 2, 2)).shape
    torch.Size([2])
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        bounds: tuple[float, float] = (0.0, 1.0),
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        device: str | torch.device | None = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(module, nn.Module):
            raise TypeError(f"module={type(module).__name__} must be a torch.nn.Module: wrap a function in one.")
        _refuse_training(module)
        box = np.asarray(bounds, float)
        if box.shape != (2,) or not -np.inf < box[0] < box[1] < np.inf:
            raise ValueError(
                f"bounds={bounds!r} must be (low, high), finite and with low < high: it is the box of the inputs."
            )
        if (mean is None) != (std is None):
            raise ValueError("mean and std must be given together: the normalisation is (x - mean) / std.")
        if std is not None and not all(0 < scale < np.inf for scale in std):
            raise ValueError(f"std={std!r} must be finite and > 0 for each channel: inputs are divided by it.")
        if device is None:
            parameter = next(module.parameters(), None)
            device = parameter.device if parameter is not None else "cpu"
        try:
            self.device = torch.device(device)
            torch.empty(0, device=self.device)  # a module without weights would go anywhere
            self.module = module.to(self.device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"device={str(device)!r} must be a device that torch can use here: {reason}") from None
        self.bounds = (float(box[0]), float(box[1]))
        self.name = name or type(module).__name__
        self._mean = None if mean is None else torch.tensor(mean, device=self.device).view(-1, 1, 1)
        self._std = None if std is None else torch.tensor(std, device=self.device).view(-1, 1, 1)

    def __repr__(self) -> str:
        return f"Classifier({self.name!r}, {self.fingerprint()}, bounds={self.bounds}, device='{self.device}')"

    def __deepcopy__(self, memo: dict[int, Any]) -> Classifier:
        """Return a copy with modules and buffers of its own; parameters are shared, as no one changes them."""
        for parameter in self.module.parameters():
            memo[id(parameter)] = parameter
        twin = copy.copy(self)
        twin.module = copy.deepcopy(self.module, memo)
        return twin

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits, shape (batch, classes), of inputs of shape (batch, ...); differentiable in ``x``.

        Raises
        ------
        ModelError
            If the module raises an error, or the logits have another shape than (batch, classes) or are not all finite.
        """
        if self._mean is not None and self._std is not None:
            x = (x - self._mean) / self._std
        else:
            x = x.clone()  # a module whose first layer works in place must not change its caller's images
        shape = tuple(x.shape)
        try:
            logits = self.module(x)
        except Exception as error:  # whatever the user's code raises
            raise ModelError(f"The model cannot take images of shape {shape}: it {raised(error)}") from error
        if not isinstance(logits, Tensor) or logits.ndim != 2 or logits.shape[0] != x.shape[0] or logits.shape[1] < 2:
            got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ModelError(f"The model must return logits of shape ({x.shape[0]}, classes) but returned {got}.")
        if not torch.isfinite(logits).all():
            raise ModelError("The model returned NaN or infinite logits: no error rate can be measured on it.")
        return logits

    def batch_size(self, dim: int) -> int:
        """Return the number of inputs of ``dim`` values that are sent through the model at once."""
        return max(4, min(512, _VALUES_PER_BATCH // dim))

    @torch.no_grad()  # not inference_mode: what a module keeps from a call must serve gradients later
    def predict(self, x: Tensor, *, fill: bool = True) -> Tensor:
        """Return the predicted classes, shape (n,), int64 on the CPU.

        All batches have the same size (the last one is filled up), because a float32 model may round differently at
        another batch size: counts and verified errors are then decided by the same arithmetic. ``fill=False`` leaves
        the last batch short: faster for a few inputs, for answers that are verified later.
        """
        if not len(x):
            return torch.empty(0, dtype=torch.int64)
        size = self.batch_size(x[0].numel())
        classes = []
        for rows in torch.split(x, size):
            batch = rows.to(self.device)
            if fill and len(rows) < size:
                batch = torch.cat([batch, batch[:1].expand(size - len(rows), *batch.shape[1:])])
            classes.append(self.logits(batch).argmax(1)[: len(rows)].cpu())
        return torch.cat(classes)

    @torch.no_grad()
    def check(self, images: Tensor, labels: Tensor) -> None:
        """Refuse images, labels or a model that cannot be audited; one clear sentence each.

        Parameters
        ----------
        images : Tensor, shape (n, channels, height, width)
            In the input box.
        labels : Tensor, shape (n,)
            Integers in [0, classes).

        Raises
        ------
        ValueError
            If shapes do not fit, an image leaves the box, or a label is no class.
        ModelError
            If the model is in training mode, logits are not finite, or the model answers differently when asked twice.
        """
        _refuse_training(self.module)
        if images.ndim != 4 or len(images) == 0:
            raise ValueError(
                f"images has shape {tuple(images.shape)} but must be (n, channels, height, width) with n >= 1."
            )
        if labels.shape != (len(images),):
            raise ValueError(
                f"labels has shape {tuple(labels.shape)} but must be ({len(images)},): one for each image."
            )
        low, high = self.bounds
        outside = ~((images >= low) & (images <= high)).flatten(1).all(1)
        if outside.any():
            first = int(outside.nonzero()[0])
            if images[first].isnan().any():
                raise ValueError(f"images[{first}] holds NaN but all values must be in the box [{low:g}, {high:g}].")
            raise ValueError(
                f"images[{first}] has values in [{float(images[first].min()):g}, {float(images[first].max()):g}] "
                f"but all must be in the box [{low:g}, {high:g}]: rescale the images (8-bit ones: divide by 255)."
            )
        probe = images[: self.batch_size(images[0].numel())].to(self.device)
        first_answer, second_answer = self.logits(probe), self.logits(probe)
        if not torch.equal(first_answer, second_answer):
            raise ModelError(
                "The model answered differently when asked twice: it must be deterministic (no random layer)."
            )
        n_classes = first_answer.shape[1]
        bad = (labels < 0) | (labels >= n_classes)
        if bad.any():
            index = int(bad.nonzero()[0])
            raise ValueError(
                f"labels[{index}]={int(labels[index])} must be in [0, {n_classes - 1}]: the model's classes."
            )

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that name weights, structure (the module's ``repr``), box and normalisation."""
        digest = hashlib.sha256(repr((self.module, self.bounds)).encode())
        weights = sorted(self.module.state_dict().items())
        for key, value in [("normalisation: mean", self._mean), ("normalisation: std", self._std), *weights]:
            digest.update(key.encode())
            if isinstance(value, Tensor):
                digest.update(str((value.dtype, tuple(value.shape))).encode())
                digest.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]
