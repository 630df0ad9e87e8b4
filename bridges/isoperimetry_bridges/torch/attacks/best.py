"""Several searches from the same starts, of which the nearest verified error counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from isoperimetry.streams import RandomLike, Stream, as_stream, standard_normals
from isoperimetry_bridges.torch.attacks.base import Attack, Box, NearestErrors, by_row, into_box
from isoperimetry_bridges.torch.attacks.settings import check_attack, refuse_no_integer
from isoperimetry_bridges.torch.classifier import Classifier


@dataclasses.dataclass(frozen=True, slots=True)
class Best:
    """The nearest error that any of several attacks found, start by start.

    No attack is best everywhere, and a bound that convicts one may not convict another. A start counts as blocked where
    all of them are.

    Parameters
    ----------
    attacks : sequence of Attack
        At least one; all are run from all starts.

    Examples
    --------
    >>> from isoperimetry_bridges.torch import DecoupledDirectionNorm, ProjectedGradient
    >>> Best((ProjectedGradient(), DecoupledDirectionNorm())).name
    'best of PGD, DDN'
    """

    attacks: Sequence[Attack]

    def __post_init__(self) -> None:
        object.__setattr__(self, "attacks", tuple(self.attacks))
        if not self.attacks:
            raise ValueError("attacks=() must hold at least one attack: the nearest of what they find is returned.")

    @property
    def name(self) -> str:
        """How reports call the attack."""
        return f"best of {', '.join(attack.name for attack in self.attacks)}"

    def check(self, classifier: Classifier) -> None:
        """Refuse what one of the attacks refuses."""
        for attack in self.attacks:
            check_attack(attack, classifier)

    def __call__(
        self,
        classifier: Classifier,
        starts: Tensor,
        labels: Tensor | int,
        *,
        scale: float | Tensor,
        box: Box | None = None,
    ) -> NearestErrors:
        """Attack ``starts``; see `Attack`."""
        return nearest_of([attack(classifier, starts, labels, scale=scale, box=box) for attack in self.attacks])


def nearest_of(founds: Sequence[NearestErrors]) -> NearestErrors:
    """Return, start by start, the nearest of errors that were found from the same starts."""
    nearest, *others = founds
    distances, points, blocked = nearest.distances.copy(), nearest.points, nearest.blocked.copy()
    for other in others:
        nearer = other.distances < distances
        rows = torch.from_numpy(nearer.nonzero()[0])
        points = points.index_copy(0, rows, other.points[rows].to(points.dtype))
        distances[nearer] = other.distances[nearer]
        blocked &= other.blocked
    return NearestErrors(distances=distances, points=points, blocked=blocked)


def restart_stream(restarts: int, rng: RandomLike) -> Stream | None:
    """Return the stream of an attack that starts again ``restarts`` times; None for none, as nothing is drawn.

    Raises
    ------
    ValueError
        If ``restarts`` is no integer >= 0.
    """
    refuse_no_integer("restarts", restarts, least=0, why="0 starts from the starts alone")
    return as_stream(rng) if restarts else None


def search_again(
    run: Callable[[Tensor | None], NearestErrors], starts: Tensor, restarts: int, stream: Stream | None
) -> NearestErrors:
    """Return the nearest errors of ``run(direction)``: without a direction, and ``restarts`` times with a random one.

    A direction is a unit vector in the shape of a start, uniform, and the same for all starts, so that none depends on
    the others: draw r of the stream belongs to restart r.
    """
    founds, shape = [run(None)], starts.shape[1:]
    if stream is not None:
        kind = np.float64 if starts.dtype == torch.float64 else np.float32
        for index in range(restarts):
            draw = torch.from_numpy(standard_normals(1, shape.numel(), stream=stream, first=index, dtype=kind))
            founds.append(run((draw / draw.double().norm()).to(starts.dtype).view(shape)))
    return nearest_of(founds)


def shifted(starts: Tensor, scales: Tensor, direction: Tensor | None, box: Box | None) -> Tensor:
    """Return where a search begins: at the starts, or half of ``scales`` away from them in ``direction``."""
    if direction is None:
        return starts.clone()
    return into_box(starts + by_row(scales / 2, starts) * direction.to(starts.device), box)
