"""Gaussian isoperimetric bounds: what error rates in noise say about nearest errors, and which attacks miss them.

A classifier that errs on a fraction mu of inputs under Gaussian noise of scale sigma has errors close to typical noisy
inputs: the median distance is at most ``-sigma * ndtri(mu)``, with equality for half-spaces.

>>> import isoperimetry as iso
>>> round(iso.median_distance_bound(0.01, sigma=0.1), 4)
0.2326
"""

from __future__ import annotations

from importlib import import_module as _import_module

# Every public name and the module that defines it. Names are resolved on first use, so that the import costs nothing.
_PUBLIC = {
    "isoperimetry._warmup": ("warmup",),
    "isoperimetry.bounds": (
        "THEOREMS",
        "Theorem",
        "affine_classifier_distance",
        "bobkov_gap",
        "certified_radius",
        "certified_radius_laplace",
        "certified_radius_uniform",
        "convex_distance_bound",
        "efficiency",
        "enlargement",
        "error_rate_at_sigma",
        "gaussian_profile",
        "halfspace_distance",
        "halfspace_distance_norm",
        "lipschitz_tail",
        "log_enlargement",
        "log_enlargement_complement",
        "log_error_rate_at_sigma",
        "log_gaussian_profile",
        "log_lipschitz_tail",
        "log_mean_distance_bound",
        "log_noise_stability",
        "log_required_error_rate",
        "mean_distance_bound",
        "median_distance_bound",
        "median_distance_bound_norm",
        "noise_norm",
        "noise_stability",
        "quantile_distance_bound",
        "required_error_rate",
        "required_sigma",
        "second_moment_distance_bound",
        "worst_case_distance",
    ),
    "isoperimetry.checks": (
        "AttackAudit",
        "AuditFamily",
        "AuditPoint",
        "AuditVerdict",
        "Measurement",
        "Plan",
        "PlannedAudit",
        "Verdict",
        "VerdictKind",
        "audit_attack",
        "audit_many",
        "check",
        "distance_standard_error",
        "least_starts",
        "measure_error_rate",
        "plan",
    ),
    "isoperimetry.errors": ("NotExact",),
    "isoperimetry.estimators": ("Estimate", "Margin", "Membership", "reduce", "volume"),
    "isoperimetry.intervals": (
        "BetaBinomialSequence",
        "DistributionBand",
        "beta_binomial",
        "betting_interval",
        "betting_lower_bound",
        "clopper_pearson",
        "dkw_band",
        "quantile_lower_bound",
        "quantile_upper_bound",
        "rate_quantile",
    ),
    "isoperimetry.sets": (
        "Ball",
        "Box",
        "Complement",
        "Cone",
        "Cylinder",
        "DistanceLaw",
        "ErrorSet",
        "HalfSpace",
        "Orthant",
        "Paraboloid",
        "Quadric",
        "Shell",
        "Slab",
        "Union",
        "UnionOfHalfSpaces",
        "Wedge",
        "rotate",
        "scale",
        "translate",
    ),
    "isoperimetry.streams": ("Stream", "add_noise", "as_stream"),
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

_MODULES = ("bounds", "checks", "errors", "estimators", "intervals", "kernels", "sets", "special", "streams", "testing")

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _import_module("importlib.metadata").version("isoperimetry")
    if name in _MODULES:
        return _import_module(f"isoperimetry.{name}")
    try:
        module = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'isoperimetry' has no attribute {name!r}") from None
    value = globals()[name] = getattr(_import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *__all__})
