"""Measured error rates and distances, judged against the theorems."""

from __future__ import annotations

from isoperimetry.checks._signtest import least_starts
from isoperimetry.checks.audit import audit_attack
from isoperimetry.checks.consistency import check
from isoperimetry.checks.counting import measure_error_rate
from isoperimetry.checks.measurement import Measurement
from isoperimetry.checks.multiplicity import AuditFamily, audit_many
from isoperimetry.checks.planning import Plan, PlannedAudit, plan
from isoperimetry.checks.precision import distance_standard_error
from isoperimetry.checks.ranks import RankCorrelation, rank_correlation
from isoperimetry.checks.verdict import AttackAudit, AuditPoint, AuditVerdict, Verdict, VerdictKind

__all__ = [
    "AttackAudit",
    "AuditFamily",
    "AuditPoint",
    "AuditVerdict",
    "Measurement",
    "Plan",
    "PlannedAudit",
    "RankCorrelation",
    "Verdict",
    "VerdictKind",
    "audit_attack",
    "audit_many",
    "check",
    "distance_standard_error",
    "least_starts",
    "measure_error_rate",
    "plan",
    "rank_correlation",
]
