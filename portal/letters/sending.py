"""Sends what is due: claim a letter, commit, hand it to the mail server, write down how that ended."""

import logging
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import Error as DatabaseError

from portal.letters import claims, making, outage
from portal.letters.faults import Fault, fault_of
from portal.letters.making import Instead
from portal.letters.models import Letter
from portal.letters.pace import wait
from portal.letters.post import Post

log = logging.getLogger(__name__)

#: Longer than all that a mail server may take over one letter, each step of it EMAIL_TIMEOUT at most, and
#: than its file takes to be made.
LEASE = timedelta(seconds=120)
#: A sweep ends after this long, so that other work gets its turn; the next one goes on.
TURN = timedelta(seconds=20)

NO_LONGER_NEEDED = Instead.NOT_NEEDED.value

State = Letter.State


def send_due(*, clock: Callable[[], datetime], lease: timedelta = LEASE, turn: timedelta = TURN) -> int:
    """Send the letters that are due, the longest waiting first; how many the mail server took.

    Any number of sweeps may run at once. One that is killed between the mail server's yes and our note of
    it makes the letter go out twice, with the same Message-ID; nothing makes it go out never. Where the
    mail server cannot be reached no letter is touched, and all sweeps leave it alone for a while.
    Refuses to run inside a transaction.
    """
    claims.give_up_broken_off(now=clock())
    ends_at = clock() + turn
    taken = 0
    with Post() as post:
        while clock() < ends_at:
            if not (post.is_open or _opened(post, now=clock())):
                break
            letter = claims.claim(now=clock(), lease=lease)
            if letter is None:
                break
            fault = _attempt(letter, post, clock)
            if fault is None:
                taken += letter.state == State.SENT
            elif fault.is_of_server:
                was_new = post.is_new
                post.drop()
                if was_new:
                    _leave_alone(fault, now=clock())
                    break
    return taken


def _opened(post: Post, *, now: datetime) -> bool:
    """Whether there is something to send and the mail server is there to take it."""
    waiting = claims.due(now=now)
    if not waiting.exists() or not outage.may_try(now=now):
        return False
    try:
        post.open()
    except OSError as problem:
        fault = fault_of(problem, link=None)
        line = f"the mail server cannot be reached: {fault.text}"
        waiting.exclude(last_error=line).update(last_error=line)
        _leave_alone(fault, now=now)
        return False
    return True


def _leave_alone(fault: Fault, *, now: datetime) -> None:
    pause = outage.begins(now=now)
    log.warning("the mail server is away, trying again in %d s: %s", pause.total_seconds(), fault.text)


def _attempt(letter: Letter, post: Post, clock: Callable[[], datetime]) -> Fault | None:
    """One attempt at a claimed letter, and the note of how it ended; None unless it failed."""
    try:
        made = making.made(letter, now=clock())
    except DatabaseError:
        raise  # nothing could be noted either; the lease brings the letter back
    except Exception as problem:
        # Its own message is left out: it may quote the link.
        log.error("letter %s (%s) cannot be made: %s", letter.pk, letter.kind, _where(problem))
        fault = Fault(f"cannot be made: {type(problem).__name__}")
    else:
        match made:
            case Instead.NOT_NEEDED:
                _settle(letter, state=State.DEAD, last_error=NO_LONGER_NEEDED)
                return None
            case Instead.FOR_THE_DAY:
                _settle(letter, state=State.GATHERED, last_error="")
                return None
        try:
            post.send(made.message)
        except Exception as problem:
            fault = fault_of(problem, link=made.secret)
        else:
            if post.is_first:
                outage.is_over()
            _settle(letter, state=State.SENT, sent_at=clock(), last_error="")
            return None
    _note(letter, fault, now=clock())
    return fault


def _note(letter: Letter, fault: Fault, *, now: datetime) -> None:
    is_refused = fault.is_refusal and not making.is_too_long(letter, fault.text)
    pause = wait(attempts=letter.attempts, is_refused=is_refused)
    if pause is None:
        log.error("letter %s (%s) is given up: %s", letter.pk, letter.kind, fault.text)
        _settle(letter, state=State.DEAD, last_error=fault.text)
    else:
        _settle(letter, state=State.FAILED, due_at=now + pause, last_error=fault.text)


def _settle(letter: Letter, **fields: object) -> None:
    if claims.settle(letter, **fields):
        letter.state = fields["state"]  # type: ignore[assignment]  # one of State
    else:
        log.warning("letter %s took longer than its lease; another sweep has it", letter.pk)


def _where(problem: Exception) -> str:
    last = traceback.extract_tb(problem.__traceback__)[-1]
    return f"{type(problem).__name__} in {last.filename}:{last.lineno}"
