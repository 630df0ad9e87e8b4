"""Estimators of the Adversarial Robustness Toolbox."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.classifier import Classifier
from isoperimetry_bridges.torch.faults import raised


class TorchEstimator(nn.Module):
    """The module of an estimator after the preprocessing of the estimator; both are torch."""

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.module: nn.Module = estimator.model
        self.steps = [step for step in estimator.preprocessing_operations if step.apply_predict]
        self.training = False

    def extra_repr(self) -> str:
        """Return what belongs to the fingerprint of a classifier, besides the module."""
        return f"steps={[repr(step) for step in self.steps]}"

    def forward(self, x: Tensor) -> Any:
        """Return what the module returns."""
        for step in self.steps:
            x, _ = step.forward(x)
        return self.module(x)


class Predictor(nn.Module):
    """What an estimator's ``predict`` returns, for estimators that are no torch, or not in all their steps."""

    differentiable = False

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.estimator = estimator
        self.training = False
        # Weights are nowhere to be found: an answer to a fixed input stands for them in the fingerprint.
        low, high = _bounds(estimator) or (0.0, 1.0)
        probe = np.linspace(low, high, 4 * int(np.prod(estimator.input_shape)), dtype=np.float32)
        try:
            answer = estimator.predict(probe.reshape(4, *estimator.input_shape))
        except Exception as error:  # whatever the estimator's own steps raise
            raise ModelError(f"The estimator {type(estimator).__name__} cannot predict: it {raised(error)}") from error
        self.answer = hashlib.sha256(np.ascontiguousarray(answer).tobytes()).hexdigest()[:16]

    def __deepcopy__(self, memo: dict[int, Any]) -> Predictor:
        """Return the same object: an estimator may hold what cannot be copied."""
        return self

    def extra_repr(self) -> str:
        """Return what belongs to the fingerprint of a classifier."""
        return f"{type(self.estimator).__name__}, answer={self.answer}"

    def forward(self, x: Tensor) -> Tensor:
        """Return the estimator's predictions, shape (n, classes)."""
        answer = self.estimator.predict(x.detach().cpu().numpy())
        return torch.from_numpy(np.asarray(answer, np.float32)).to(x.device)


def _bounds(estimator: Any) -> tuple[float, float] | None:
    values = estimator.clip_values
    return None if values is None else (float(np.min(values[0])), float(np.max(values[1])))


def from_art(estimator: Any, *, name: str | None = None, **settings: Any) -> Classifier:
    """Return the classifier of an ART estimator, in the inputs of the estimator, before its preprocessing.

    Where the module and all preprocessing are torch (``PyTorchClassifier``), they are taken as they are, with
    gradients. Otherwise its ``predict`` is called: error rates and attacks without gradients remain.

    Parameters
    ----------
    estimator : art classifier
        Its ``clip_values`` become the bounds; without them pass ``bounds=``.
    name : str, optional
        Default: the class of the module, or of the estimator.
    **settings
        Passed to `Classifier`.

    Returns
    -------
    Classifier

    Raises
    ------
    TypeError
        If it is no ART classifier.
    ModelError
        If its ``predict`` is needed and fails.
    """
    if not all(hasattr(estimator, attribute) for attribute in ("predict", "clip_values", "input_shape")):
        raise TypeError(f"estimator={type(estimator).__name__} must be a classifier of ART.")
    bounds = _bounds(estimator)
    if bounds is not None:
        settings.setdefault("bounds", bounds)
    module = getattr(estimator, "model", None)
    in_torch = getattr(estimator, "all_framework_preprocessing", False) and not estimator.postprocessing_defences
    if isinstance(module, nn.Module) and in_torch:
        settings.setdefault("device", estimator.device)
        return Classifier(TorchEstimator(estimator), name=name or type(module).__name__, **settings)
    return Classifier(Predictor(estimator), name=name or type(estimator).__name__, **settings)
