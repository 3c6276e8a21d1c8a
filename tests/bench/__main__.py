"""`make bench`: the bars of the design, each measured side by side in one run."""

import sys
import tempfile
from pathlib import Path

from tests.bench import servers


def main() -> int:
    started = servers.start()
    from tests.bench import closing, intake, live, push, statement_csv, statement_pdf, storage

    benches = {
        "intake": intake.run,
        "push": push.run,
        "live": live.run,
        "storage": storage.run,
        "closing": closing.run,
        "statement_pdf": statement_pdf.run,
        "statement_csv": statement_csv.run,
    }
    wanted = sys.argv[1:] or list(benches)
    try:
        with tempfile.TemporaryDirectory(dir=servers.DATA_DIR) as folder:
            results = [benches[name](Path(folder)) for name in wanted]
    finally:
        servers.stop(started)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
