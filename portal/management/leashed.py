"""`python -m portal.management.leashed PARENT COMMAND…`: becomes the command, and ends with its parent.

Without it, a demo that is killed outright would leave its web server and workers behind.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, command = int(arguments[0]), arguments[1:]
    with suppress(AttributeError, OSError):  # Linux only; elsewhere it is asked to end, or outlives
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")
    os.execvp(command[0], command)  # noqa: S606 - the demo's own command


if __name__ == "__main__":
    main(sys.argv[1:])
