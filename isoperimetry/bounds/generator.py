"""Samples of a Lipschitz generator, g(Z) for standard normal Z: every classifier has errors within a short way."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import special
from isoperimetry._validate import Array, as_nonnegative, as_positive, as_rate, refuse
from isoperimetry.bounds import gaussian
from isoperimetry.bounds._spaces import assumption
from isoperimetry.bounds.rate import evaluate, shrink
from isoperimetry.bounds.sources import FAWZI_2018
from isoperimetry.bounds.theorem import Theorem

__all__ = [
    "GENERATOR_ENLARGEMENT",
    "GENERATOR_MULTICLASS",
    "enlargement",
    "log_enlargement",
    "multiclass",
]

SPACE = "image of R^m with noise N(0, I) under an L-Lipschitz map g"
GENERATED = assumption(
    "Lipschitz generator",
    "The samples are g(Z), Z ~ N(0, I), with a map g that stretches distances by at most L; the distance to a set is "
    "measured to its generated points.",
)
PARTITION = assumption("partition", "Every sample belongs to one of the classes, whose probabilities add up to 1.")
_TOLERANCE = 1e-9  # of the sum of the probabilities, which are rounded


def enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    lipschitz: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Least share of generated samples within ``eps`` of an error set of measure ``mu``.

    *Theorem: typical sample*, for every error set.

    .. math:: P[d(X, E) \le \epsilon] \ge \Phi\!\left(\Phi^{-1}(\mu) + \epsilon / L\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Share of the generated samples in the set, in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of the samples.
    lipschitz : float or array, shape S3
        Lipschitz constant L of the generator, > 0, in the unit of the samples. For a generator with modulus of
        continuity w in place of L t, pass lipschitz = 1 and w^-1(eps).
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Lower limit of a probability: exactly ``mu`` at eps = 0, 0 at mu = 0 (the set may be empty).

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``eps`` is left out.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `GENERATOR_ENLARGEMENT`. Every bound for Gaussian noise, of distances too, holds with sigma = L.

    Examples
    --------
    >>> round(enlargement(0.01, 2.0, lipschitz=2.0), 6)
    0.092362
    """
    return gaussian.enlargement(
        mu, eps, _as_lipschitz(lipschitz), log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def log_enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    lipschitz: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `enlargement`, finite where that underflows.

    *Theorem: typical sample*, for every error set.

    .. math:: \log P[d(X, E) \le \epsilon] \ge \log \Phi\!\left(\Phi^{-1}(\mu) + \epsilon / L\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Share of the generated samples in the set, in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of the samples.
    lipschitz : float or array, shape S3
        Lipschitz constant L of the generator, > 0, in the unit of the samples.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Lower limit of the natural logarithm of a probability, <= 0.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `GENERATOR_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement(log_mu=-1e6, eps=2000.0, lipschitz=2.0), 6)
    -85790.989057
    """
    return gaussian.log_enlargement(
        mu, eps, _as_lipschitz(lipschitz), log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def multiclass(probabilities: ArrayLike, eps: ArrayLike, *, lipschitz: ArrayLike) -> float | Array:
    r"""Least share of generated samples within ``eps`` of another class than their own, whatever the classifier.

    *Theorem: typical sample*, for every partition into classes of these probabilities.

    .. math:: P[d(X, \text{other classes}) \le \epsilon] \ge 1 - \sum_i \Phi\!\left(\Phi^{-1}(p_i) - \epsilon / L\right)

    Parameters
    ----------
    probabilities : array, shape (..., K)
        Shares of the K classes among the generated samples, each in [0, 1], with sum 1.
    eps : float or array, shape S2, broadcast with (...)
        Distance, >= 0, in the unit of the samples.
    lipschitz : float or array, shape S3, broadcast with (...)
        Lipschitz constant L of the generator, > 0, in the unit of the samples.

    Returns
    -------
    float or array, shape broadcast(..., S2, S3)
        Lower limit of a probability: 0 at eps = 0 and where one class has everything.

    Raises
    ------
    ValueError
        If an argument is out of range, or the probabilities do not add up to 1. NaN is passed through.

    Notes
    -----
    Theorem: `GENERATOR_MULTICLASS`. If no class has more than 1/2 it is at least 1 - 2 Phi(-eps / L), and that at least
    1 - exp(-eps**2 / (2 L**2)).

    Examples
    --------
    >>> round(multiclass([0.1] * 10, 1.0, lipschitz=1.0), 12)
    0.887420854874
    """
    shares = as_rate("probabilities", probabilities)
    if shares.ndim == 0 or shares.shape[-1] == 0:
        raise ValueError(f"probabilities has shape {shares.shape}: it must be (..., K), one for each class.")
    total = np.asarray(shares.sum(axis=-1))
    refuse(
        "sum(probabilities)", total, np.abs(total - 1.0) > _TOLERANCE, "1",
        "every sample has one class. Divide by the sum if these are counts.",
    )  # fmt: skip

    def formula(probabilities: Array, eps: Array, lipschitz: Array) -> Array:
        shift = shrink(eps, lipschitz)[..., np.newaxis]
        # Term by term, what each class loses: nothing at eps = 0, whatever the rounding of the sum. What a class of
        # more than 1/2 loses is what the others, whose sum has more digits than its complement, gain.
        large = shares > 0.5
        others = np.sum(np.where(large, 0.0, shares), axis=-1, keepdims=True)
        grown = special.ndtr(np.asarray(special.ndtri(np.minimum(others, 0.5))) + shift)
        lost = np.where(
            large,
            np.where(others > 0, grown - others, np.where(np.isnan(shift), shift, 0.0)),
            shares - special.ndtr(np.asarray(special.ndtri(shares)) - shift),
        )
        lost = np.where(shift == 0, 0.0 * shares, lost)
        return np.asarray(np.clip(lost.sum(axis=-1), 0.0, 1.0))

    return evaluate(
        formula, probabilities=total, eps=as_nonnegative("eps", eps, "a distance"), lipschitz=_as_lipschitz(lipschitz)
    )


def _as_lipschitz(value: ArrayLike) -> Array:
    return as_positive("lipschitz", value, "the Lipschitz constant of the generator")


GENERATOR_ENLARGEMENT = Theorem(
    name="GENERATOR_ENLARGEMENT",
    statement=(
        "For samples g(Z) of an L-Lipschitz generator, Z ~ N(0, I), a set of measure mu grows at least as a half-space "
        "does in Gaussian noise of scale L: P[d(X, E) <= eps] >= Phi(Phi^-1(mu) + eps / L)."
    ),
    formula=r"P[d(X, E) \leq \varepsilon] \geq \Phi\left(\Phi^{-1}(\mu) + \frac{\varepsilon}{L}\right)",
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(GENERATED,),
    direction="lower limit of the share of samples within eps of the set",
    source=FAWZI_2018,
    bound=enlargement,
    extremal=gaussian.half_space_of_measure,
    tightness="Equality for half-spaces if g multiplies by L; a generator that contracts lets sets grow faster.",
    proof="The preimage of the set under g has Gaussian measure mu; a step of length eps / L there is one of eps here.",
    mistake="L is the largest stretch of g anywhere, also where samples are rare, and not an average or a local one.",
)
GENERATOR_MULTICLASS = Theorem(
    name="GENERATOR_MULTICLASS",
    statement=(
        "If samples g(Z) of an L-Lipschitz generator are divided into classes of probabilities p_i, then another class "
        "is within eps of a sample with probability at least 1 - sum_i Phi(Phi^-1(p_i) - eps / L)."
    ),
    formula=(
        r"P[\mathrm{other\ class\ within\ }\varepsilon] \geq "
        r"1 - \sum_i \Phi\left(\Phi^{-1}(p_i) - \frac{\varepsilon}{L}\right)"
    ),
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(GENERATED, PARTITION),
    direction="lower limit of the share of samples within eps of another class",
    source=FAWZI_2018,
    bound=multiclass,
    extremal=None,
    tightness="Equality for two classes divided by a hyperplane if g multiplies by L; not attained for three or more.",
    proof=(
        "Enlarge the complement of each class by the single-set theorem: what it does not reach is the part of the "
        "class that is farther than eps from all others. Add up."
    ),
    mistake=(
        "For classes of at most 1/2 the simpler 1 - exp(-eps^2 / (2 L^2)) is often stated with a factor sqrt(pi / 2) "
        "before the exponential, which is valid but weaker than the factor 1 that suffices."
    ),
)
