"""sigma(x0, mu): the noise scale at which a model errs on a wanted fraction of noisy copies of an image."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from typing import Any, Literal

from torch import nn

from isoperimetry.progress import ProgressLike, as_progress
from isoperimetry.streams import Stream
from isoperimetry_bridges.torch.arguments import (
    ImageId,
    as_count,
    as_ids,
    as_root,
    as_tensors,
    check_stored_images,
    run_header,
)
from isoperimetry_bridges.torch.bracketing import Bracketing, grid
from isoperimetry_bridges.torch.classifier import Classifier, as_classifier
from isoperimetry_bridges.torch.ford2019 import published_search
from isoperimetry_bridges.torch.judging import Judge
from isoperimetry_bridges.torch.noise import noise_stream
from isoperimetry_bridges.torch.rays import Search, run_searches
from isoperimetry_bridges.torch.regions import Look, plan_looks
from isoperimetry_bridges.torch.scales import SigmaSearch, SigmaStatus, already_wrong
from isoperimetry_bridges.torch.store import Store, as_store

__all__ = ["SigmaSearch", "SigmaStatus", "check_search", "find_sigma", "search_sigma"]

Preset = Literal["strict", "ford2019"]

_DRAWS, _MOST_DRAWS = 1000, 100_000


def check_search(error_rate: float, n_samples: int, confidence: float) -> None:
    """Refuse a search that cannot find the wanted rate."""
    if not 0 < error_rate < 1:
        raise ValueError(f"error_rate={error_rate!r} must be in (0, 1): write 0.01 for one per cent.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence!r} must be in (0, 1): write 0.95 for 95 per cent.")
    as_count("n_samples", n_samples)
    if n_samples * error_rate < 1:
        raise ValueError(
            f"n_samples={n_samples} must be at least {math.ceil(1 / error_rate)} at error_rate={error_rate!r}: "
            "fewer draws show no error at that rate."
        )


def search_sigma(
    judge: Judge,
    index: int,
    image_id: ImageId,
    *,
    root: Stream,
    error_rate: float,
    n_samples: int,
    confidence: float,
) -> SigmaSearch:
    """Search at one of the judge's images, on the draws of purpose "search"; the caller checked the arguments."""
    wrong = judge.classifier.wrong(judge.images[index : index + 1], judge.labels[index : index + 1])
    if bool(wrong[0]):
        return already_wrong(image_id, error_rate=error_rate, confidence=confidence, preset="strict")
    plan = _Plan(judge.classifier, error_rate, n_samples, confidence)
    return run_searches(judge, [(index, noise_stream(root, "search", image_id), plan.search(image_id))])[index]


class _Plan:
    """What the searches at all images share."""

    def __init__(
        self,
        classifier: Classifier,
        error_rate: float,
        n_samples: int,
        confidence: float,
        rel_error: float | None = None,
        preset: Preset = "strict",
    ) -> None:
        self.width = classifier.bounds[1] - classifier.bounds[0]
        self.error_rate, self.n_samples, self.confidence = error_rate, n_samples, confidence
        self.rel_error, self.preset = rel_error, preset
        self.sigmas: list[float] = []
        self.looks: tuple[Look, ...] = ()
        if preset == "strict":
            self.sigmas = grid(self.width)
            self.looks = plan_looks(n_samples, error_rate=error_rate, confidence=confidence, rel_error=rel_error)

    def search(self, image_id: ImageId) -> Search:
        if self.preset == "ford2019":
            return published_search(
                image_id,
                width=self.width,
                error_rate=self.error_rate,
                n_samples=self.n_samples,
                confidence=self.confidence,
            )
        return Bracketing(
            image_id,
            self.sigmas,
            self.looks,
            error_rate=self.error_rate,
            confidence=self.confidence,
            rel_error=self.rel_error,
        ).search()

    def key(self, image_id: ImageId) -> str:
        """Return the name of a search in a store."""
        settings = [self.preset, self.error_rate, self.n_samples, self.rel_error, self.confidence]
        return f"sigma/{json.dumps(image_id)}/{'/'.join(map(str, settings))}"


def find_sigma(
    classifier: Classifier | nn.Module,
    images: Any,
    labels: Any,
    *,
    error_rate: float = 0.01,
    n_samples: int | None = None,
    rel_error: float | None = None,
    confidence: float = 0.95,
    rng: Any = None,
    image_ids: Sequence[ImageId] | None = None,
    clip: bool = False,
    preset: Preset = "strict",
    store: Store | str | os.PathLike[str] | None = None,
    progress: ProgressLike = None,
) -> list[SigmaSearch]:
    """Find for each image the noise scale at which the model errs at a wanted rate.

    Each draw z is followed along the ray x0 + sigma z. A few draws at every octave from 2**-12 to 4 box widths show
    where the rate passes the wanted one; all draws are judged once at a scale somewhat above; and only those that are
    errors there, or by their margin nearest to it, are followed to smaller scales.

    The interval is the range of scales at which the number of errors among all draws is one that the wanted rate does
    not reject. It contains the true scale with probability ``confidence``, if (a) that number does not fall when the
    scale grows, below ``low``, from ``low`` to ``high``, and above; and (b) the draws that were not followed, all right
    at ``upper`` and farther from an error than a whole ring of others that were followed and found right, are right at
    ``low`` and ``sigma`` too. Where one of the ring is an error, all draws are judged again just above the interval,
    which is then ``upper``, and then larger rings are followed, in the end all draws. No correction for the number of
    scales is needed, as one scale is the true one.

    The draws are never used for anything else: measure the rate at the returned scale again, with
    `measure_error_rate`, before it enters a theorem.

    Parameters
    ----------
    classifier : Classifier or torch.nn.Module
        A module is taken as `Classifier(module)`, with inputs in [0, 1].
    images : Tensor or array, shape (n, ...), as a rule (n, channels, height, width)
        Floating point, in the classifier's box.
    labels : Tensor or array, shape (n,)
        Integer classes; or what the classifier's error criterion takes, shape (n, ...).
    error_rate : float, default 0.01
        The wanted rate, in (0, 1).
    n_samples : int, optional
        Draws at each image; ``error_rate * n_samples`` must be at least 1. Default 1000. With ``rel_error`` the most
        draws; default 100,000.
    rel_error : float, optional
        Take more draws, in steps that are fixed in advance, until the half-width of the interval is at most this
        fraction of ``sigma``. The interval is then valid at all steps at once, and somewhat wider for it.
    confidence : float, default 0.95
        Of the interval of sigma.
    rng : None, int, SeedSequence, Generator or Stream
        Seed; draws are keyed by it, the purpose "search", the image's id and the draw's index.
    image_ids, clip
        As in `measure_error_rate`.
    preset : {"strict", "ford2019"}
        "ford2019" is the search as it was published, for comparison: ``n_samples`` draws at each of about ten scales
        one after the other, no interval, and the rate that comes with ``sigma`` is that of another scale.
    store : Store or path, optional
        Keep each finished search in this folder, and do not repeat those that it holds.
    progress : optional
        See `isoperimetry.progress`; its unit is an image.

    Returns
    -------
    list of SigmaSearch, one per image

    Raises
    ------
    ValueError, TypeError, ModelError
        If an argument is out of range, the store is of another run, or the model cannot be judged.

    Examples
    --------
    >>> import torch
    >>> half_space = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2)).eval()
    >>> _ = half_space[1].weight.data.copy_(torch.tensor([[0.0] * 4, [1.0, 0.0, 0.0, 0.0]]))
    >>> _ = half_space[1].bias.data.copy_(torch.tensor([0.0, -0.5]))
    >>> (found,) = find_sigma(Classifier(half_space), torch.zeros(1, 1, 2, 2), [0], rel_error=0.05, rng=0)
    >>> found.low < 0.5 / 2.3263 < found.high and found.rel_error <= 0.05
    True
    """
    classifier = as_classifier(classifier)
    x, y = as_tensors(images, labels, classifier)
    classifier.check(x, y)
    if n_samples is None:
        n_samples = _DRAWS if rel_error is None else _MOST_DRAWS
    check_search(error_rate, n_samples, confidence)
    if preset not in ("strict", "ford2019"):
        raise ValueError(f"preset={preset!r} must be 'strict' or 'ford2019'.")
    if rel_error is not None:
        if not 0 < rel_error < math.inf:
            raise ValueError(f"rel_error={rel_error!r} must be finite and > 0: write 0.05 for 5 per cent.")
        if preset == "ford2019":
            raise ValueError("rel_error must be None with preset='ford2019': the published search has no interval.")
    ids, root = as_ids(image_ids, len(x)), as_root(rng, store)
    header = run_header(classifier, root, clip=bool(clip))  # before the model works: it may keep notes in its buffers
    plan = _Plan(classifier, float(error_rate), n_samples, float(confidence), rel_error, preset)
    title = f"{classifier.name}: sigma(x0, {error_rate:g})"
    with (
        as_store(store) as kept,
        Judge(classifier, x, y, clip=clip) as judge,
        as_progress(progress).start(title, len(x)) as stage,
    ):
        kept.begin(header)
        check_stored_images(kept, x, y, ids)

        def keep(index: int, search: SigmaSearch) -> None:
            kept.add(plan.key(ids[index]), search.to_dict())
            found[index] = search
            stage.advance(1)

        found: dict[int, SigmaSearch] = {}
        for index, image_id in enumerate(ids):
            if (fields := kept.get(plan.key(image_id))) is not None:
                found[index] = SigmaSearch.from_dict(fields)
                stage.advance(1)
        left = [index for index in range(len(x)) if index not in found]
        wrong = classifier.wrong(x[left], y[left]).tolist() if left else []
        for index, is_wrong in zip(left, wrong, strict=True):
            if is_wrong:
                keep(index, already_wrong(ids[index], error_rate=error_rate, confidence=confidence, preset=preset))
        searches = [
            (index, noise_stream(root, "search", ids[index]), plan.search(ids[index]))
            for index in left
            if index not in found
        ]
        run_searches(judge, searches, keep)
    return [found[index] for index in range(len(x))]
