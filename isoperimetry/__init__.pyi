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
    log_mean_distance_bound as log_mean_distance_bound,
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
from isoperimetry.checks import (
    AttackAudit as AttackAudit,
)
from isoperimetry.checks import (
    AuditFamily as AuditFamily,
)
from isoperimetry.checks import (
    AuditVerdict as AuditVerdict,
)
from isoperimetry.checks import (
    Measurement as Measurement,
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
from isoperimetry.intervals import (
    BetaBinomialSequence as BetaBinomialSequence,
)
from isoperimetry.intervals import (
    clopper_pearson as clopper_pearson,
)
from isoperimetry.intervals import (
    quantile_lower_bound as quantile_lower_bound,
)
from isoperimetry.intervals import (
    quantile_upper_bound as quantile_upper_bound,
)
from isoperimetry.sets import (
    Complement as Complement,
)
from isoperimetry.sets import (
    ErrorSet as ErrorSet,
)
from isoperimetry.sets import (
    HalfSpace as HalfSpace,
)
from isoperimetry.sets import (
    Slab as Slab,
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
