"""Projected gradient ascent in l2, as published, with a line search back to the boundary."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from isoperimetry.special import ndtri
from isoperimetry.streams import RandomLike
from isoperimetry_bridges.torch.attacks.base import Box, NearestErrors, attack_in_batches, by_row, into_box, norms
from isoperimetry_bridges.torch.attacks.best import restart_stream, search_again, shifted
from isoperimetry_bridges.torch.attacks.gradients import Gradients
from isoperimetry_bridges.torch.classifier import Classifier


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedGradient:
    """l2 PGD: ``steps`` steps of eps / ``steps_to_edge`` along the normalised gradient, in the ball of radius eps.

    The radius is eps = max(``radius`` * scale, ``smallest_radius``): 2 * 4.265 = 8.53 times sigma in the published
    setting, where a half-space with an error rate of 1 % is 2.33 sigma away; `ford2019` fixes it. No random start and
    no clipping; a start is finished at the first iterate that is wrong, the last one included. A start whose gradient
    is exactly zero cannot move: it is given up and marked as blocked. The loss is the cross-entropy, or the margin
    where errors are not other classes.

    Source: Madry, Makelov, Schmidt, Tsipras, Vladu (2018), "Towards deep learning models resistant to adversarial
    attacks"; parameters of Ford, Gilmer, Carlini, Cubuk (2019). The walk back to the boundary is ours.

    Parameters
    ----------
    steps : int, default 200
    steps_to_edge : float, default 150
    radius : float, default 3.67
        In units of the scale.
    smallest_radius : float, default 1
        In the unit of the inputs.
    restarts : int, default 0
        Further climbs, from random points half a scale away from the start.
    rng : None, int, SeedSequence, Generator or Stream
        Of the restarts.
    """

    steps: int = 200
    steps_to_edge: float = 150.0
    radius: float = 3.67
    smallest_radius: float = 1.0
    restarts: int = 0
    rng: RandomLike = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rng", restart_stream(self.restarts, self.rng))

    @classmethod
    def ford2019(cls, sigma: float, *, adjusted: bool = False) -> ProjectedGradient:
        """Return the attack with the published parameters for noise of scale ``sigma``.

        Ford et al. (2019): 200 steps of eps / 150, eps being twice the 99.999 % quantile of N(0, sigma**2), at least
        1; ``adjusted`` divides the step by a further 1.5, so that 200 steps do not reach the edge of the ball.

        Examples
        --------
        >>> attack = ProjectedGradient.ford2019(0.5)
        >>> attack.steps, attack.steps_to_edge, round(attack.smallest_radius, 4)
        (200, 150.0, 4.2649)
        """
        eps = max(2 * float(ndtri(0.99999)) * sigma, 1.0)
        return cls(steps_to_edge=225.0 if adjusted else 150.0, radius=0.0, smallest_radius=eps)

    @property
    def name(self) -> str:
        """How reports call the attack."""
        return "PGD" if not self.restarts else f"PGD, {self.restarts} restarts"

    def check(self, classifier: Classifier) -> None:
        """Refuse a classifier without gradients or margin."""
        Gradients(classifier, self.name)

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
        slopes = Gradients(classifier, self.name)

        def run(direction: Tensor | None) -> NearestErrors:
            def search(x: Tensor, y: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
                eps = by_row((self.radius * scales).clamp_min(self.smallest_radius), x)
                return self._climb(slopes, x, shifted(x, scales, direction, box), y, eps, box)

            return attack_in_batches(classifier, starts, labels, scale=scale, box=box, search=search)

        return search_again(run, starts, self.restarts, self.rng)  # type: ignore[arg-type]

    def _climb(
        self, slopes: Gradients, center: Tensor, x: Tensor, labels: Tensor, eps: Tensor, box: Box | None
    ) -> tuple[Tensor, Tensor]:
        final, blocked = x.clone(), torch.zeros(len(x), dtype=torch.bool, device=x.device)
        active = torch.arange(len(x), device=x.device)
        for step in range(self.steps + 1):
            slope = slopes(x, labels)
            length = norms(slope.gradient)
            stuck = ~slope.wrong & (length.flatten() == 0)
            going = ~(slope.wrong | stuck)
            final[active] = x
            blocked[active[stuck]] = True
            if step == self.steps or not going.any():
                break
            active, x, center, labels, eps = active[going], x[going], center[going], labels[going], eps[going]
            delta = x + (eps / self.steps_to_edge) * slope.gradient[going] / length[going] - center
            x = into_box(center + delta * (eps / norms(delta).clamp_min(eps)), box)
        return final, blocked
