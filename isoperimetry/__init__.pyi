# What type checkers see: the names that __init__.py resolves on first use.
from isoperimetry._warmup import (
    warmup as warmup,
)
from isoperimetry.bounds import (
    THEOREMS as THEOREMS,
)
from isoperimetry.bounds import (
    Theorem as Theorem,
)
from isoperimetry.bounds import (
    affine_classifier_distance as affine_classifier_distance,
)
from isoperimetry.bounds import (
    bobkov_gap as bobkov_gap,
)
from isoperimetry.bounds import (
    certified_radius as certified_radius,
)
from isoperimetry.bounds import (
    certified_radius_laplace as certified_radius_laplace,
)
from isoperimetry.bounds import (
    certified_radius_uniform as certified_radius_uniform,
)
from isoperimetry.bounds import (
    convex_distance_bound as convex_distance_bound,
)
from isoperimetry.bounds import (
    efficiency as efficiency,
)
from isoperimetry.bounds import (
    enlargement as enlargement,
)
from isoperimetry.bounds import (
    error_rate_at_sigma as error_rate_at_sigma,
)
from isoperimetry.bounds import (
    gaussian_profile as gaussian_profile,
)
from isoperimetry.bounds import (
    halfspace_distance as halfspace_distance,
)
from isoperimetry.bounds import (
    halfspace_distance_norm as halfspace_distance_norm,
)
from isoperimetry.bounds import (
    lipschitz_tail as lipschitz_tail,
)
from isoperimetry.bounds import (
    log_enlargement as log_enlargement,
)
from isoperimetry.bounds import (
    log_enlargement_complement as log_enlargement_complement,
)
from isoperimetry.bounds import (
    log_error_rate_at_sigma as log_error_rate_at_sigma,
)
from isoperimetry.bounds import (
    log_gaussian_profile as log_gaussian_profile,
)
from isoperimetry.bounds import (
    log_lipschitz_tail as log_lipschitz_tail,
)
from isoperimetry.bounds import (
    log_mean_distance_bound as log_mean_distance_bound,
)
from isoperimetry.bounds import (
    log_noise_stability as log_noise_stability,
)
from isoperimetry.bounds import (
    log_required_error_rate as log_required_error_rate,
)
from isoperimetry.bounds import (
    mean_distance_bound as mean_distance_bound,
)
from isoperimetry.bounds import (
    median_distance_bound as median_distance_bound,
)
from isoperimetry.bounds import (
    median_distance_bound_norm as median_distance_bound_norm,
)
from isoperimetry.bounds import (
    noise_norm as noise_norm,
)
from isoperimetry.bounds import (
    noise_stability as noise_stability,
)
from isoperimetry.bounds import (
    quantile_distance_bound as quantile_distance_bound,
)
from isoperimetry.bounds import (
    required_error_rate as required_error_rate,
)
from isoperimetry.bounds import (
    required_sigma as required_sigma,
)
from isoperimetry.bounds import (
    second_moment_distance_bound as second_moment_distance_bound,
)
from isoperimetry.bounds import (
    worst_case_distance as worst_case_distance,
)
from isoperimetry.checks import (
    AttackAudit as AttackAudit,
)
from isoperimetry.checks import (
    AuditFamily as AuditFamily,
)
from isoperimetry.checks import (
    AuditPoint as AuditPoint,
)
from isoperimetry.checks import (
    AuditVerdict as AuditVerdict,
)
from isoperimetry.checks import (
    Measurement as Measurement,
)
from isoperimetry.checks import (
    Plan as Plan,
)
from isoperimetry.checks import (
    PlannedAudit as PlannedAudit,
)
from isoperimetry.checks import (
    Verdict as Verdict,
)
from isoperimetry.checks import (
    VerdictKind as VerdictKind,
)
from isoperimetry.checks import (
    audit_attack as audit_attack,
)
from isoperimetry.checks import (
    audit_many as audit_many,
)
from isoperimetry.checks import (
    check as check,
)
from isoperimetry.checks import (
    distance_standard_error as distance_standard_error,
)
from isoperimetry.checks import (
    least_starts as least_starts,
)
from isoperimetry.checks import (
    measure_error_rate as measure_error_rate,
)
from isoperimetry.checks import (
    plan as plan,
)
from isoperimetry.errors import (
    NotExact as NotExact,
)
from isoperimetry.estimators import (
    Estimate as Estimate,
)
from isoperimetry.estimators import (
    Margin as Margin,
)
from isoperimetry.estimators import (
    Membership as Membership,
)
from isoperimetry.estimators import (
    reduce as reduce,
)
from isoperimetry.estimators import (
    volume as volume,
)
from isoperimetry.intervals import (
    BetaBinomialSequence as BetaBinomialSequence,
)
from isoperimetry.intervals import (
    DistributionBand as DistributionBand,
)
from isoperimetry.intervals import (
    beta_binomial as beta_binomial,
)
from isoperimetry.intervals import (
    betting_interval as betting_interval,
)
from isoperimetry.intervals import (
    betting_lower_bound as betting_lower_bound,
)
from isoperimetry.intervals import (
    clopper_pearson as clopper_pearson,
)
from isoperimetry.intervals import (
    dkw_band as dkw_band,
)
from isoperimetry.intervals import (
    quantile_lower_bound as quantile_lower_bound,
)
from isoperimetry.intervals import (
    quantile_upper_bound as quantile_upper_bound,
)
from isoperimetry.intervals import (
    rate_quantile as rate_quantile,
)
from isoperimetry.sets import (
    Ball as Ball,
)
from isoperimetry.sets import (
    Box as Box,
)
from isoperimetry.sets import (
    Complement as Complement,
)
from isoperimetry.sets import (
    Cone as Cone,
)
from isoperimetry.sets import (
    Cylinder as Cylinder,
)
from isoperimetry.sets import (
    DistanceLaw as DistanceLaw,
)
from isoperimetry.sets import (
    ErrorSet as ErrorSet,
)
from isoperimetry.sets import (
    HalfSpace as HalfSpace,
)
from isoperimetry.sets import (
    Orthant as Orthant,
)
from isoperimetry.sets import (
    Paraboloid as Paraboloid,
)
from isoperimetry.sets import (
    Quadric as Quadric,
)
from isoperimetry.sets import (
    Shell as Shell,
)
from isoperimetry.sets import (
    Slab as Slab,
)
from isoperimetry.sets import (
    Union as Union,
)
from isoperimetry.sets import (
    UnionOfHalfSpaces as UnionOfHalfSpaces,
)
from isoperimetry.sets import (
    Wedge as Wedge,
)
from isoperimetry.sets import (
    rotate as rotate,
)
from isoperimetry.sets import (
    scale as scale,
)
from isoperimetry.sets import (
    translate as translate,
)
from isoperimetry.streams import (
    Stream as Stream,
)
from isoperimetry.streams import (
    add_noise as add_noise,
)
from isoperimetry.streams import (
    as_stream as as_stream,
)

__version__: str
__all__: list[str]
