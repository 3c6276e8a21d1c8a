"""Every model of the engine, gathered where Django looks for them."""

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
from payouts.program.models import Broker, StandingChange

__all__ = [
    "Batch",
    "Broker",
    "ExcludedRecord",
    "Fill",
    "FillKey",
    "Line",
    "Payout",
    "QuarantinedRecord",
    "Run",
    "StandingChange",
    "TotalByDay",
    "TotalByHour",
    "TotalByRate",
]
