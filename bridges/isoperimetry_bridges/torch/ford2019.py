"""The published search for sigma(x0, mu), as it was released, for comparison; `find_sigma` replaces it.

Ford, Gilmer, Carlini, Cubuk (2019). Adversarial Examples Are a Natural Consequence of Test Error in Noise. ICML.
"""

from __future__ import annotations

import math

import numpy as np

from isoperimetry_bridges.torch.arguments import ImageId
from isoperimetry_bridges.torch.rays import Question, Search
from isoperimetry_bridges.torch.scales import SigmaSearch, SigmaStatus

START, CEILING, TOLERANCE = 0.1, 1.0, 0.001


def published_search(image: ImageId, *, width: float, error_rate: float, n_samples: int, confidence: float) -> Search:
    """Search as published: every look judges all draws, one after the other.

    The same unit draws are rescaled. It starts at 0.1 in the bracket [0, 1], in units of the box, goes down to the
    middle of the bracket, up to the double or the middle, whichever is smaller, and stops when the bracket is narrower
    than 0.001. Kept as they are: what it returns is the scale at which the next look would be, with the rate of the
    last one; it has no interval; it takes the rate to grow with the scale, and an end of the bracket for an answer
    (the status says so here).
    """
    low, high, sigma = 0.0, CEILING * width, START * width
    rays = np.arange(n_samples)
    looks: dict[float, int] = {}
    errors = 0
    while high - low > TOLERANCE * width:
        ((wrong, _),) = yield [Question(sigma, rays)]
        looks[sigma] = errors = int(wrong.sum())
        if errors < error_rate * n_samples:
            low, sigma = sigma, min(2 * sigma, (sigma + high) / 2)
        else:
            high, sigma = sigma, (sigma + low) / 2
    status = SigmaStatus.BRACKETED
    if not low:
        status = SigmaStatus.BELOW_RANGE
    elif high == CEILING * width:
        status = SigmaStatus.NEVER_REACHED
    return SigmaSearch.make(
        image=image,
        status=status,
        sigma=sigma,
        errors=errors,
        trials=n_samples,
        error_rate=error_rate,
        low=math.nan,
        high=math.nan,
        confidence=confidence,
        n_calls=1 + n_samples * len(looks),
        looks=tuple((scale, count, n_samples) for scale, count in sorted(looks.items())),
        preset="ford2019",
    )
