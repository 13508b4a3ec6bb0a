"""The tables of this app live beside what uses them."""

from audit.cycles.models import AuditCycle, Closure, CycleStep, DeadlinePolicy, PolicyStep, StepMail
from audit.imports.models import (
    ApplicationAccess,
    HeldLine,
    Host,
    LogBatch,
    LogChunk,
    LogCoverage,
    LogImport,
    LogMapping,
    LogRow,
)
from audit.ledgers.models import WorkChange, WorkEntry, WorkImport, WorkType
from audit.reconciliation.models import Incident, IncidentSession, Mismatch, MismatchReason, Reconciliation
from audit.reports.models import AuditReport, FileOrder, ReportEnquiry, ReportEvent, ReportFile
from audit.retention.models import Disposal, Hold, RetentionRule

__all__ = [
    "ApplicationAccess",
    "AuditCycle",
    "AuditReport",
    "Closure",
    "CycleStep",
    "DeadlinePolicy",
    "Disposal",
    "FileOrder",
    "HeldLine",
    "Hold",
    "Host",
    "Incident",
    "IncidentSession",
    "LogBatch",
    "LogChunk",
    "LogCoverage",
    "LogImport",
    "LogMapping",
    "LogRow",
    "Mismatch",
    "MismatchReason",
    "PolicyStep",
    "Reconciliation",
    "ReportEnquiry",
    "ReportEvent",
    "ReportFile",
    "RetentionRule",
    "StepMail",
    "WorkChange",
    "WorkEntry",
    "WorkImport",
    "WorkType",
]
