"""A model with random parts as a deterministic one: its mean answer over draws that are fixed once and for all."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from isoperimetry.errors import ModelError
from isoperimetry_bridges.torch.criterion import read_logits
from isoperimetry_bridges.torch.faults import is_out_of_memory
from isoperimetry_bridges.torch.models.randomness import global_randomness


class Expectation(nn.Module):
    """The log of a random classifier's probabilities, averaged over fixed draws; see `expectation`."""

    def __init__(self, module: nn.Module, n_draws: int, seed: int) -> None:
        super().__init__()
        memo: dict[int, Any] = {id(parameter): parameter for parameter in module.parameters()}
        self.module = copy.deepcopy(module, memo)
        self.n_draws, self.seed = n_draws, seed
        self.random_parts = [name for name, part in self.module.named_modules() if part.training]
        self.vectorised: bool | None = None
        """Whether the module runs under `torch.func.vmap`; None until it was tried."""
        self.eval()

    def extra_repr(self) -> str:
        """Return what belongs to the fingerprint of a classifier, besides the module."""
        return f"n_draws={self.n_draws}, seed={self.seed}, random_parts={self.random_parts}"

    def forward(self, x: Tensor) -> Tensor:
        """Return log probabilities, shape (n, classes); differentiable in ``x`` where the module is."""
        sums = [self._draw(x, draw) for draw in range(self.n_draws)]
        return torch.logsumexp(torch.stack(sums), 0) - math.log(self.n_draws)

    def _draw(self, x: Tensor, draw: int) -> Tensor:
        seed = int(np.random.SeedSequence((self.seed, draw)).generate_state(1)[0])
        if self.vectorised is not False:
            try:
                with global_randomness(seed, x.device), self._as_it_was():
                    together: Tensor = torch.func.vmap(self._one, randomness="same")(x)
                self.vectorised = True
                return together
            except Exception as error:
                if self.vectorised or is_out_of_memory(error) or isinstance(error, ModelError):
                    raise
                self.vectorised = False  # a module that fails for another reason fails below too
        answers = []
        for row in x:
            with global_randomness(seed, x.device), self._as_it_was():
                answers.append(self._one(row))
        return torch.stack(answers)

    def _one(self, row: Tensor) -> Tensor:
        return read_logits(self.module(row[None]), 1)[0].log_softmax(0)

    @contextmanager
    def _as_it_was(self) -> Iterator[None]:
        """Give the parts that were in training mode that mode for one draw; a classifier allows none that stays so."""
        parts = [self.module.get_submodule(name) for name in self.random_parts]
        try:
            for part in parts:
                part.training = True
            yield
        finally:
            for part in parts:
                part.training = False


def expectation(module: nn.Module, *, n_draws: int = 16, seed: int = 0) -> Expectation:
    """Return the expected answer of a module with random parts, over ``n_draws`` draws with fixed seeds.

    A classifier must be deterministic: its error set is a set. Averaged over fixed draws, a random defence is such a
    classifier, and each input gets the same draws, whatever the batch and its place in it.

    Probabilities are averaged, not logits: the class with the largest mean probability is the one that the random
    classifier names most often in the long run (weighted by its confidence), and no single draw with large logits
    decides alone. What is returned is the log of the mean, so that softmax, cross-entropy and margins mean what they
    should. It is a classifier of its own: results on it say nothing about single answers of the random one.

    Parameters
    ----------
    module : torch.nn.Module
        Returns logits. Parts in training mode, such as `torch.nn.Dropout` at test time, stay active in each draw; batch
        normalisation must be in evaluation mode. A copy is taken, which shares the weights.
    n_draws : int, default 16
        Draws per input, >= 1: each is one pass through the module.
    seed : int, default 0
        Chooses the draws, >= 0. Draws come from the generators of Python, NumPy and torch, which are put back.

    Returns
    -------
    Expectation
        A module in evaluation mode. Modules that `torch.func.vmap` can run do so in batches, others row by row.

    Raises
    ------
    ModelError
        If batch normalisation is in training mode.

    Examples
    --------
    >>> from isoperimetry_bridges.torch import Classifier
    >>> layers = torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(4, 3)
    >>> random = torch.nn.Sequential(*layers).eval()
    >>> random[1].train()
    Dropout(p=0.5, inplace=False)
    >>> classifier = Classifier(expectation(random, n_draws=8))
    >>> classifier.check(torch.full((2, 1, 2, 2), 0.5), torch.tensor([0, 1]))
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"module={type(module).__name__} must be a torch.nn.Module.")
    for name, value, least in (("n_draws", n_draws, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name}={value!r} must be an integer >= {least}.")
    for part, child in module.named_modules():
        if child.training and isinstance(child, nn.modules.batchnorm._BatchNorm):
            raise ModelError(
                f"The part {part!r} normalises by the batch, as it is in training mode: call model.eval(), then "
                "train() on the random parts only."
            )
    return Expectation(module, n_draws, seed)
