"""`python -m training.workers.train FOLDER`: train as job.json says. Exit codes: training.rundir."""

import sys
from pathlib import Path

from training.workers import process


def work(worker: process.Worker) -> str:
    """Pick the method."""
    method = worker.job.get("method", "sft")
    if method != "sft":
        raise process.ConfigError(f"This trainer does not know the method {method!r}.")
    from training.workers import sft

    return sft.train(worker)


if __name__ == "__main__":
    sys.exit(process.run(Path(sys.argv[1]).resolve(), work))
