"""The measure of a spherical cap and its inverse, in every dimension, down to exp(-1e300) and next to the equator."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import special
from isoperimetry._validate import Array, as_nonnegative, refuse
from isoperimetry.bounds._spaces import as_dim
from isoperimetry.bounds.rate import Rate, evaluate, log1mexp, read_rate

# What the doubles pi and log(2) are too small by: angles next to the equator keep their relative accuracy with it.
_PI_LOW, _LOG_2_LOW = 1.2246467991473532e-16, 2.3190468138462996e-17
_LOG_2 = math.log(2.0)
_TINY = 1e-8  # below this angle the cap is flat to the last digit


@dataclass(frozen=True, slots=True)
class Place:
    """The rim of a cap: its angle from the nearer pole and its height over the equator, each to the last digit.

    The two add up to a right angle; ``south`` says that the cap is larger than half of the sphere.
    """

    near: Array
    height: Array
    south: NDArray[np.bool_]

    def moved(self, angle: Array) -> Place:
        """Return the rim after the cap has grown by ``angle`` >= 0; the angle at the south pole is at least 0."""
        crossed = ~self.south & (angle > self.height)
        south = self.south | crossed
        rest = np.where(self.south, self.near - angle, (math.pi - (self.near + angle)) + _PI_LOW)
        near = np.where(south, np.maximum(rest, 0.0), self.near + angle)
        height = np.where(self.south, self.height + angle, np.abs(self.height - angle))
        return Place(near, np.minimum(height, math.pi / 2), south)

    def log_smaller(self, dim: Array) -> Array:
        """Return the log of the measure of the cap or of its complement, the one that is at most 1/2."""
        m = 0.5 * (dim - 1.0)
        polar = self.near < math.pi / 4
        sine = np.sin(np.where(polar, self.near, self.height))
        square = sine * sine
        # I_y(m, 1/2) / 2 with y the square of the sine of the angle; the functions take the smaller of y and 1 - y.
        log_double = np.where(
            polar,
            special.log_betainc(m, 0.5, np.where(polar, square, 0.5)),
            special.log_betaincc(0.5, m, np.where(polar, 0.5, square)),
        )
        flat = (dim - 1.0) * np.log(self.near) - np.log(m) - np.asarray(special.betaln(m, 0.5))
        return np.where(self.near < _TINY, flat, log_double) - _LOG_2

    def measure(self, dim: Array) -> Array:
        """Return the measure of the cap."""
        smaller = np.exp(self.log_smaller(dim))
        return np.where(self.south, 1.0 - smaller, smaller)

    def log_measure(self, dim: Array, *, complement: bool = False) -> Array:
        """Return the log of the measure of the cap, or of what is outside."""
        smaller = self.log_smaller(dim)
        return np.where(self.south != complement, log1mexp(smaller), smaller)


def place_of_angle(theta: Array) -> Place:
    """Return the rim at an angle in [0, pi]; the doubles pi and pi / 2 count as these numbers themselves."""
    south = theta > math.pi / 2
    near = np.where(south, np.where(theta == math.pi, 0.0, (math.pi - theta) + _PI_LOW), theta)
    height = np.where(theta == math.pi / 2, 0.0, np.abs((math.pi / 2 - theta) + 0.5 * _PI_LOW))
    return Place(near, height, south)


def place_of_rate(rate: Rate, dim: Array) -> Place:
    """Return the rim of the cap whose measure is ``rate``."""
    south, m = rate.z > 0, 0.5 * (dim - 1.0)
    smaller = np.where(south, rate.complement, rate.linear)
    log_double = np.minimum((np.where(south, rate.log_complement, rate.log) + _LOG_2) + _LOG_2_LOW, 0.0)
    # 1 - 2 mu, exactly where the rate itself is known: what is between the rim and the equator, twice.
    gap = -np.expm1(log_double) if rate.form.startswith("log") else 1.0 - 2.0 * smaller
    # The smaller one of 2 mu and 1 - 2 mu leads to the angle; the functions return at once where they are given NaN.
    low = smaller <= 0.25
    log_double, log_gap = np.where(low, log_double, math.nan), np.where(low, math.nan, np.log(gap))
    by_double, by_gap = special.log_betaincc_inv(0.5, m, log_double), special.log_betainc_inv(0.5, m, log_gap)
    log_cosine = 0.5 * np.where(low, by_double, by_gap)
    equatorial = log_cosine < -0.5 * _LOG_2
    log_double, log_gap = (np.where(equatorial, math.nan, log) for log in (log_double, log_gap))
    by_double, by_gap = special.log_betainc_inv(m, 0.5, log_double), special.log_betaincc_inv(m, 0.5, log_gap)
    log_sine = 0.5 * np.where(low, by_double, by_gap)
    angle = np.arcsin(np.minimum(np.exp(np.where(equatorial, log_cosine, log_sine)), 1.0))
    rest = (math.pi / 2 - angle) + 0.5 * _PI_LOW
    return Place(np.where(equatorial, rest, angle), np.where(equatorial, angle, rest), south)


def cap_measure(theta: ArrayLike, *, dim: ArrayLike) -> float | Array:
    r"""Share of the sphere that a cap of angular radius ``theta`` covers.

    .. math:: P[\angle(X, e) \le \theta] = \frac{1}{2} I_{\sin^2 \theta}\!\left(\frac{n - 1}{2}, \frac{1}{2}\right),
              \qquad \theta \le \pi / 2

    Parameters
    ----------
    theta : float or array, shape S1
        Angle from the center of the cap to its rim, in radians, in [0, pi].
    dim : int or array of int, shape S2
        Dimension n >= 2 of the space around the sphere: 2 for a circle, 3 for the surface of a ball.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Measure in [0, 1]: 1/2 at a right angle, theta / pi for n = 2, (1 - cos(theta)) / 2 for n = 3.

    Raises
    ------
    TypeError
        If ``dim`` is no integer.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    The regularised incomplete beta function: NIST Handbook of Mathematical Functions, 8.17. `log_cap_measure` does not
    underflow; near pi the complement, the measure at pi - theta, has the digits that 1 has not.

    Examples
    --------
    >>> round(cap_measure(1.2, dim=10), 12)
    0.136726501258
    """
    return evaluate(
        lambda theta, dim: place_of_angle(theta).measure(dim), theta=_as_angle(theta), dim=as_dim(dim, low=2)
    )


def log_cap_measure(theta: ArrayLike, *, dim: ArrayLike) -> float | Array:
    r"""Logarithm of `cap_measure`, finite where that underflows.

    .. math:: \log P[\angle(X, e) \le \theta]

    Parameters
    ----------
    theta : float or array, shape S1
        Angle from the center of the cap to its rim, in radians, in [0, pi].
    dim : int or array of int, shape S2
        Dimension n >= 2 of the space around the sphere.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        <= 0: -inf at 0, 0 at pi.

    Raises
    ------
    TypeError, ValueError
        As `cap_measure`.

    Examples
    --------
    >>> round(log_cap_measure(1.0, dim=784), 9)
    -138.786997415
    """
    return evaluate(
        lambda theta, dim: place_of_angle(theta).log_measure(dim), theta=_as_angle(theta), dim=as_dim(dim, low=2)
    )


def cap_angle(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Angular radius of the cap that covers a share ``mu`` of the sphere, the inverse of `cap_measure`.

    .. math:: \theta = \arcsin \sqrt{y}, \qquad I_y\!\left(\frac{n - 1}{2}, \frac{1}{2}\right) = 2 \mu,
              \qquad \mu \le 1 / 2

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the cap, in [0, 1].
    dim : int or array of int, shape S2
        Dimension n >= 2 of the space around the sphere.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Angle in radians, in [0, pi]; 0 for a measure so small that the angle underflows.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``dim`` is no integer.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    The cap of measure 1 - mu has the angle pi - theta: where theta is near pi, ask for that.

    Examples
    --------
    >>> round(cap_angle(0.01, dim=784), 12)
    1.487680825624
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)

    def formula(dim: Array) -> Array:
        place = place_of_rate(rate, dim)
        return np.where(place.south, math.pi - place.near, place.near)

    return evaluate(formula, rate, dim=as_dim(dim, low=2))


def _as_angle(theta: ArrayLike) -> Array:
    angle = as_nonnegative("theta", theta, "an angle in radians")
    refuse("theta", angle, angle > math.pi, "<= pi", "it is an angle in radians.")
    return angle
