"""Measured error rates and distances, judged against the theorems."""

from __future__ import annotations

from isoperimetry.checks._signtest import least_starts
from isoperimetry.checks.audit import audit_attack
from isoperimetry.checks.consistency import check
from isoperimetry.checks.measurement import Measurement
from isoperimetry.checks.multiplicity import AuditFamily, audit_many
from isoperimetry.checks.verdict import AttackAudit, AuditVerdict, Verdict, VerdictKind

__all__ = [
    "AttackAudit",
    "AuditFamily",
    "AuditVerdict",
    "Measurement",
    "Verdict",
    "VerdictKind",
    "audit_attack",
    "audit_many",
    "check",
    "least_starts",
]
