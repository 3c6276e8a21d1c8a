"""Named places at which a test has the process killed, to prove that whatever comes after it recovers."""

import os
import signal
import threading
from collections import Counter

_passed: Counter[str] = Counter()
_lock = threading.Lock()


def point(name: str) -> None:
    """Kill this process outright, as `kill -9` does, if CRASH_POINT in the environment names this place.

    With CRASH_POINT_SKIP=2 it lives the first two times. Production refuses to start with CRASH_POINT set.
    """
    if os.environ.get("CRASH_POINT") != name:
        return
    with _lock:
        _passed[name] += 1
        is_due = _passed[name] > int(os.environ.get("CRASH_POINT_SKIP") or 0)
    if is_due:
        os.kill(os.getpid(), signal.SIGKILL)
