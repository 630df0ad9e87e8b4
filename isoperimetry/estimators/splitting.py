"""Multilevel splitting: particles that follow the margin down from level to level, for errors of any shape.

It asks for nothing but a margin: no gradient, no smoothness, no single nearest error. What it needs is that errors show
themselves from afar; where they do not, the plain draws beside it are the only witness.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, Literal

import numpy as np

from isoperimetry import _validate, special
from isoperimetry._validate import Array
from isoperimetry.estimators.base import Method, Pair, Plan, Run, Summary
from isoperimetry.estimators.particles import LastParticleTask, Pilot, ReplicaTask, run_pilot
from isoperimetry.estimators.problem import Problem
from isoperimetry.estimators.values import log_mean, log_spread, student_quantile
from isoperimetry.results import Guarantee

KILL = 0.85

MEMORY = 1 << 28
"""Bytes that the particles of a replica may take, 256 MiB."""

MOVES, MOVES_LAST = 9, 20
"""Moves at a level, all points of which are particles, and of a last particle, whose law needs that they mix."""

REPLICAS = 8, 32
"""At least, if the budget is to be cut into replicas; and about at most, before particles are added instead."""

REPLICAS_WANTED = 24
"""About as many, where the relative error decides: the limit by betting is then no longer far from the spread."""

PARTICLES = 50, 4000
PARTICLES_LAST = 500
"""Of the last particle: its calls come one after the other."""

PILOT_SEEDS = 6, 30
PILOT_SHARE = 0.25
"""Of the budget, at most, for the pilot."""

FEW = 3
"""Ancestors of all particles, as the median of the replicas, that are worth a note if fewer."""

DISAGREE = 20.0
"""Ratio of the largest to the least value of the replicas that is worth a note."""

IDEAL = "moves that mix perfectly between kills"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Splitting(Method):
    """Multilevel splitting along the margin.

    A pilot fixes falling levels of the margin, each of which a seventh of the particles passes, and the steps of the
    moves; then independent replicas multiply the shares of particles that pass. As nothing is chosen from the particles
    it then judges, a replica's value is unbiased whatever the moves are worth, and the lower limit by betting on the
    replicas is proved: LOWER_ONLY. At mu = 1e-6 a relative width of r takes about 4000 / r**2 calls, in any
    dimension; it grows with the square of log(mu).

    With ``kill=1`` it is the last-particle method: only the worst particle dies at a time. If the moves mixed
    perfectly the number of kills would be Poisson, so that its interval is exact given that: IDEAL_MOVES. Real moves do
    not, and its levels follow the particles, so that its values are biased by as much as copies resemble each other.

    Parameters
    ----------
    particles : int, optional
        Particles of a replica, >= 2, rounded to a multiple of ``moves + 1``; None: what the budget allows. No
        more are kept than fill 256 MiB.
    kill : float or 1
        Share of the particles that a level stops, in [0.1, 0.99]; 1: the last-particle method.
    moves : int, optional
        Moves, >= 1, of each of the ``particles / (moves + 1)`` particles that go on at a level: all points on their
        ways are the next particles. For ``kill=1`` the moves of a copy. None: 9, for ``kill=1`` 20.
    move : {"auto", "pcn", "slice"}
        "pcn": a step of the preconditioned Crank-Nicolson chain, tuned by the pilot; "slice": elliptical slice
        sampling, without a step, 4 to 5 calls a move. "auto" is "pcn", which mixes as well for a fourth of the calls.
    replicas : int, optional
        Independent replicas, >= 1; None: as many as it takes.
    block_size : int, optional
        Replicas in a block; it does not change a bit of the result.

    Notes
    -----
    Sources: Au, Beck (2001), Estimation of small failure probabilities in high dimensions by subset simulation, Prob.
    Eng. Mech. 16; Cérou, Del Moral, Furon, Guyader (2012), Sequential Monte Carlo for rare event estimation, Stat.
    Comput. 22; Dau, Chopin (2022), Waste-free sequential Monte Carlo, J. R. Stat. Soc. B 84; for the last particle
    Guyader, Hengartner, Matzner-Lober (2011), Appl. Math. Optim. 64.

    Examples
    --------
    >>> import numpy as np
    >>> from isoperimetry.estimators import Margin, volume
    >>> corner = Margin(lambda x: 3.5 - x.min(axis=1), dim=2)  # both coordinates beyond 3.5: mu = 5.412e-8
    >>> estimate = volume(corner, method=Splitting(), n_samples=40_000, rng=1)
    >>> estimate.guarantee.name, estimate.spread[0] < 5.412e-8 < estimate.spread[1]
    ('LOWER_ONLY', True)
    """

    name: ClassVar[str] = "splitting"

    particles: int | None = None
    kill: float = KILL
    moves: int | None = None
    move: Literal["auto", "pcn", "slice"] = "auto"
    replicas: int | None = None
    block_size: int | None = None

    def __post_init__(self) -> None:
        _validate.as_choice("move", self.move, ("auto", "pcn", "slice"))
        for name, low in (("particles", 2), ("moves", 1), ("replicas", 1), ("block_size", 1)):
            if (value := getattr(self, name)) is not None:
                _validate.as_count(name, value, low=low)
        share = _validate.as_float("kill", self.kill)
        if share.ndim or not (share == 1 or 0.1 <= share <= 0.99):
            raise ValueError(
                f"kill={self.kill!r} must be a share in [0.1, 0.99], or 1 for the last-particle method: write 0.85."
            )

    def plan(self, problem: Problem, run: Run) -> Plan:
        """Return the plan: a pilot is run here, and the replicas are given a size that fits the budget."""
        if not problem.has_margin:
            raise ValueError(
                "method='splitting' needs a margin: this set does not say how far a point is from an error. Use "
                "method='crude'."
            )
        last = self.kill == 1
        chain = 1 + (MOVES if last else self._moves)
        held = max(MEMORY // (8 * problem.dim), 2 * chain)
        seeds = min(max(run.n_samples // 2500, PILOT_SEEDS[0]), PILOT_SEEDS[1], held // chain)
        pilot = run_pilot(
            problem, run.stream.split("pilot"), seeds=max(seeds, 1), chain=chain, kill=KILL if last else self.kill,
            move="slice" if self.move == "slice" else "pcn", budget=int(PILOT_SHARE * run.n_samples),
        )  # fmt: skip
        run.spend(pilot.calls)
        if pilot.why:
            run.notes.append(_NOTES[pilot.why])
        kind = LastParticlePlan if last else SplittingPlan
        return kind(self, problem, run, pilot, held)

    @property
    def _moves(self) -> int:
        return self.moves if self.moves is not None else (MOVES_LAST if self.kill == 1 else MOVES)


_NOTES = {
    "plateau": "All particles of the pilot came to the same margin above 0, which does not say where the errors are: "
    "levels end there, and splitting below it is a mere count.",
    "budget": "The pilot did not reach an error within a quarter of n_samples: the measure is tiny or 0, and the "
    "levels end where it stopped.",
}


def _many(log_x: Array, confidence: float) -> Pair:
    """Return the spread from five replicas or more.

    The value is a product of shares, so that it is about log-normal. Where it scatters by factors, the few replicas
    whose values are large dominate the mean and may not be among those seen: there the limits for the mean of a
    log-normal law (Cox; Zhou, Gao 1997, Confidence intervals for the log-normal mean, Stat. Med. 16) are joined.
    """
    low, high = log_spread(log_x, confidence)
    n, deviation = len(log_x), float(np.std(log_x, ddof=1)) if log_x.min() > -math.inf else 0.0
    if deviation <= 1.0:
        return low, high
    middle = float(log_x.mean()) + 0.5 * deviation**2
    half = student_quantile(confidence, n - 1) * deviation * math.sqrt(1.0 / n + 0.5 * deviation**2 / (n - 1))
    return min(low, middle - half), min(max(high, middle + half), 0.0)


class _Replicas(Plan):
    """What both kinds of replicas share."""

    unit = "replicas"

    def __init__(self, method: Splitting, problem: Problem, run: Run, pilot: Pilot) -> None:
        self.pilot, self.wanted = pilot, method.replicas
        self.threads = problem.releases_gil
        self.log_x: list[float] = []
        self.tried = self.taken = 0
        left = max(run.n_samples - run.n_search, 2)
        # Beside it run plain draws, as many as `assemble` says: a tenth of the calls, or 10,000.
        self.left = left - min(max(10_000, 0.1 * left), 0.5 * left)

    def add(self, result: Any) -> None:
        """Take the replicas of a block."""
        for replica in result:
            self.take(replica)
            value = replica["log_value"]
            self.log_x.append(value)
            self.n_units += 1
            self.n_calls += replica["calls"]
            self.tried += replica["tried"]
            self.taken += replica["taken"]
        if self.wanted is not None and self.n_units >= self.wanted:
            self.cost = math.inf  # no more, whatever the budget

    def take(self, replica: dict[str, Any]) -> None:
        """Take what is not common to both kinds."""

    @property
    def extinct(self) -> int:
        """Number of replicas in which no particle was left."""
        return self.log_x.count(-math.inf)

    def details(self) -> dict[str, Any]:
        """Return the diagnostics of both kinds."""
        alive = [value for value in self.log_x if value > -math.inf]
        return {
            "replicas": self.n_units, "extinct": self.extinct, "moved": self.taken / self.tried if self.tried else 1.0,
            "replica_log_sd": float(np.std(alive, ddof=1)) if len(alive) > 1 else 0.0,
            "pilot_log_value": self.pilot.log_value, "pilot_calls": self.pilot.calls,
        }  # fmt: skip

    def notes(self) -> tuple[str, ...]:
        """Return what the replicas say about each other."""
        notes = []
        if self.log_x and self.extinct == self.n_units:
            notes.append(
                f"All {self.n_units} replicas died out above the errors: the value 0 says that splitting found none."
            )
        elif self.extinct or max(self.log_x, default=0.0) - min(self.log_x, default=0.0) > math.log(DISAGREE):
            ratio = math.exp(min(max(self.log_x) - min(self.log_x), 700.0))
            notes.append(
                "Replicas disagree ("
                + (f"{self.extinct} of {self.n_units} died out" if self.extinct else f"by a factor of {ratio:.0f}")
                + "): some find errors that others miss, so that larger parts may be missing altogether. Use more "
                "particles or moves."
            )
        return tuple(notes)


class SplittingPlan(_Replicas):
    """Independent replicas with the levels and steps of the pilot."""

    def __init__(self, method: Splitting, problem: Problem, run: Run, pilot: Pilot, held: int) -> None:
        super().__init__(method, problem, run, pilot)
        found = pilot.schedule
        inner, chain = len(found.steps), found.chain
        per_particle = 1.0 + inner * (1.0 - 1.0 / chain) * pilot.calls_a_move
        if method.particles is not None:
            wanted: float = method.particles
        else:
            wanted = self._particles(run, (inner + 1) * method.kill / (1.0 - method.kill), self.left / per_particle)
        self.schedule = dataclasses.replace(found, seeds=max(int(min(wanted, held)) // chain, 1))
        self.capped = wanted > held
        self.cost = per_particle * self.schedule.particles
        most = max(REPLICAS[0], int(self.left / self.cost))
        self.expected = self.wanted or (most if run.rel_error is None else min(most, REPLICAS_WANTED))
        self.first_look = self.wanted or REPLICAS[0]
        self.task = ReplicaTask(problem, run.stream.split("replica"), self.schedule)
        self.first: dict[str, Any] = {}
        self.ancestors: list[int] = []

    def _particles(self, run: Run, spread: float, in_all: float) -> float:
        """Return how many particles a replica has, if the budget is worth ``in_all`` particles.

        The squared relative deviation of a replica is measured to be about 3 ``spread`` / particles. A deviation of
        one half leaves values that are not too skewed; the rest of the budget makes replicas.
        """
        half = 3.0 * spread / 0.5**2
        if self.wanted is not None:
            return min(max(in_all / self.wanted, PARTICLES[0]), PARTICLES[1])
        replicas = min(max(in_all / half, REPLICAS[0]), REPLICAS[1])
        most = min(max(in_all / replicas, PARTICLES[0]), PARTICLES[1])
        if run.rel_error is None:
            return most
        # as many replicas make a deviation of half the wanted width
        return min(most, max(half, 4.0 / REPLICAS_WANTED * 3.0 * spread / run.rel_error**2))

    def take(self, replica: dict[str, Any]) -> None:
        """Keep the levels of the first replica."""
        self.first = self.first or replica
        self.ancestors.append(min(replica["ancestors"]))

    def summary(self, confidence: float, *, sequential: bool) -> Summary:
        """Return the mean of the replicas; the lower limit, by betting, holds at every number of them."""
        from isoperimetry.intervals.betting import log_betting_lower_bound

        log_x = np.array(self.log_x)
        value = min(log_mean(log_x), 0.0)
        low = log_betting_lower_bound(log_x, confidence=confidence, expected_draws=self.expected)
        if value == -math.inf:
            spread = -math.inf, -math.inf  # nothing was found: what there may be is for the plain draws to say
        elif self.n_units < 5:
            spread = self._few(log_x, value, confidence)
        else:
            spread = _many(log_x, confidence)
        return Summary(
            log_value=value, log_interval=(min(low, value), 0.0), log_spread=spread, guarantee=Guarantee.LOWER_ONLY
        )  # fmt: skip

    def _few(self, log_x: Any, middle: float, confidence: float) -> Pair:
        """Return the spread from few replicas: from the shares, three times the ideal variance, if that is more."""
        shares = np.array([share for share in self.first["shares"] if share > 0])
        ideal = 3.0 * float(np.sum((1.0 - shares) / shares)) / self.schedule.particles
        seen = float(np.var(np.exp(log_x - middle), ddof=1)) if len(log_x) > 1 else 0.0
        half = -float(special.ndtri(0.5 * (1.0 - confidence))) * math.sqrt(max(ideal, seen) / len(log_x))
        return middle - half, min(middle + half, 0.0)

    def details(self) -> dict[str, Any]:
        """Return the diagnostics; those of the levels are of the first replica."""
        shares = self.first.get("shares", [])
        with_zero = [math.log(share) if share > 0 else -math.inf for share in shares]
        return super().details() | {
            "particles": self.schedule.particles, "steps": len(shares),
            "least_ancestors": min(self.ancestors, default=0),
            "levels": {
                "level": list(self.schedule.levels[: len(shares)]), "log_value": np.cumsum(with_zero).tolist(),
                "acceptance": self.first.get("acceptance", []), "ancestors": self.first.get("ancestors", []),
            },
        }  # fmt: skip

    def notes(self) -> tuple[str, ...]:
        """Return the notes of the replicas, and whether particles were few or went back to few."""
        notes = list(super().notes())
        if self.capped:
            notes.append(
                f"A replica has {self.schedule.particles} particles: more in {self.task.problem.dim} dimensions would "
                "take more than 256 MiB."
            )
        usual = float(np.median(self.ancestors)) if self.ancestors else 0.0
        if 0 < usual < min(FEW, 0.05 * self.schedule.particles):
            notes.append(
                f"In half of the replicas all particles that passed a level go back to {usual:g} or fewer of "
                f"{self.schedule.particles}: regions of errors may have been lost on the way. Use more particles or "
                "moves."
            )
        return tuple(notes)

    task: ReplicaTask


class LastParticlePlan(_Replicas):
    """Last-particle replicas: their kills add up to one Poisson count, if moves are ideal."""

    def __init__(self, method: Splitting, problem: Problem, run: Run, pilot: Pilot, held: int) -> None:
        super().__init__(method, problem, run, pilot)
        per_particle = 1.0 + method._moves * pilot.calls_a_move * -pilot.log_value
        if method.particles is not None:
            wanted: float = method.particles
        else:
            wanted = min(max(self.left / per_particle / (self.wanted or 1), 10.0), PARTICLES_LAST)
        self.particles = int(min(wanted, held))
        self.cost = per_particle * self.particles
        if pilot.why == "budget":
            self.cost = max(self.cost, self.left / (self.wanted or 1))
        else:
            self.cost = min(self.cost, self.left)  # a guess that is a bit too large still leaves one replica
        self.first_look = self.wanted or 1
        self.kills: list[int] = []
        self.why: list[str] = []
        self.task = LastParticleTask(
            problem, run.stream.split("replica"), pilot.schedule, self.particles, method._moves,
            most_calls=int((1.0 if pilot.why == "budget" else 4.0) * self.cost),
        )  # fmt: skip

    def take(self, replica: dict[str, Any]) -> None:
        """Keep the kills."""
        self.kills.append(replica["kills"])
        self.why.append(replica["why"])

    def summary(self, confidence: float, *, sequential: bool) -> Summary:
        """Return the mean of the replicas and the Garwood interval of -log(mu)."""
        lives = self.particles * self.n_units
        kills, error = sum(self.kills), 0.5 * (1.0 - confidence)
        least = 0.5 * math.exp(float(special.log_chi2_ppf(math.log(error), dim=2 * kills))) if kills else 0.0
        most = 0.5 * math.exp(float(special.log_chi2_isf(math.log(error), dim=2 * kills + 2)))
        limits = -most / lives, -least / lives
        if "plateau" in self.why:
            limits = -math.inf, 0.0  # ties are not the Poisson law's
        elif "budget" in self.why:
            limits = -math.inf, limits[1]  # the count would have gone on
        return Summary(
            log_value=log_mean(np.array(self.log_x)), log_interval=limits, log_spread=limits,
            guarantee=Guarantee.IDEAL_MOVES, given=IDEAL,
        )  # fmt: skip

    def details(self) -> dict[str, Any]:
        """Return the diagnostics and the kills."""
        return super().details() | {"particles": self.particles, "kills": list(self.kills), "steps": sum(self.kills)}
