"""Why a broker is parked, in plain words, and what to do; and which faults are nobody's in particular."""

from decimal import DecimalException

from django.db import DataError, IntegrityError, InterfaceError, OperationalError

from payouts.refusal import Refusal

_CANCELLED = "57014"
#: A collision, a deadlock, or a session that was ended because its process stood still for too long.
_COLLIDED = frozenset({"40001", "40P01", "25P03", "25P04"})
_AGAIN = "Then press Calculate again."
_LOOK_IT_UP = (
    f"Look for “parked” and the broker's code in the log of the worker, and repair what it says. {_AGAIN}"
)


def words(problem: Exception) -> tuple[str, str]:
    """The reason and the next step, without the names of files or functions: those are in the log."""
    if isinstance(problem, Refusal):
        return str(problem), f"Do what it says. {_AGAIN}"
    if isinstance(problem, DecimalException | DataError):
        return (
            "A figure of this month is too large, or has too many digits, to be added exactly.",
            f"Look for fills with absurd prices or quantities, and have them voided. {_AGAIN}",
        )
    if isinstance(problem, IntegrityError):
        return f"The database refuses the figures: {_refused(problem)}.", _LOOK_IT_UP
    if _state(problem) == _CANCELLED:
        return (
            "The calculation took longer than the database allows.",
            f"Wait until the database is less busy. {_AGAIN}",
        )
    return f"The calculation failed: {type(problem).__name__}.", _LOOK_IT_UP


def never_ended(attempts: int) -> tuple[str, str]:
    """The same for a broker whose calculation ended whoever did it."""
    return (
        f"The calculation was begun {attempts} times and never ended.",
        f"Look whether the worker was killed, for example for want of memory. {_AGAIN}",
    )


def is_collision(problem: Exception) -> bool:
    """Somebody else wrote the same rows, or could have meanwhile: on a new snapshot it may go well."""
    return _state(problem) in _COLLIDED


def is_everybodys(problem: Exception) -> bool:
    """No broker's own fault: the database is away, full or busy. Nobody is parked for it."""
    return isinstance(problem, OperationalError | InterfaceError) and _state(problem) != _CANCELLED


def _refused(problem: IntegrityError) -> str:
    """The constraint in words: they are named as sentences. A trigger says its own."""
    found = getattr(problem.__cause__, "diag", None)
    name = getattr(found, "constraint_name", None)
    return str(name).replace("_", " ") if name else str(getattr(found, "message_primary", None) or problem)


def _state(problem: Exception) -> str:
    return getattr(problem.__cause__, "sqlstate", None) or ""
