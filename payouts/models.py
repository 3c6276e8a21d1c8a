"""Every model of the engine, gathered where Django looks for them."""

from payouts.desk.models import (
    AccountChange,
    AccountChangeStep,
    AffiliateCheck,
    Appeal,
    AppealMessage,
    Case,
    CaseEntry,
    CaseFile,
    CaseFileContent,
    PayoutHold,
    Termination,
)
from payouts.feed.models import (
    Batch,
    ExcludedRecord,
    Fill,
    FillKey,
    QuarantinedRecord,
    TotalByDay,
    TotalByHour,
    TotalByRate,
)
from payouts.monthend.models import Line, Payout, Run
from payouts.program.models import Broker, Reason, StandingChange, StandingRange

__all__ = [
    "AccountChange",
    "AccountChangeStep",
    "AffiliateCheck",
    "Appeal",
    "AppealMessage",
    "Batch",
    "Broker",
    "Case",
    "CaseEntry",
    "CaseFile",
    "CaseFileContent",
    "ExcludedRecord",
    "Fill",
    "FillKey",
    "Line",
    "Payout",
    "PayoutHold",
    "QuarantinedRecord",
    "Reason",
    "Run",
    "StandingChange",
    "StandingRange",
    "Termination",
    "TotalByDay",
    "TotalByHour",
    "TotalByRate",
]
