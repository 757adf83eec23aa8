"""Comparison of contestants, each in its own process, in turn, with one server: medians, ratios, peak memory."""

from __future__ import annotations

import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: The timeout of a contestant (seconds).
PATIENCE = 900
#: Installed packages have their bytecode; a developer's may be told to keep none.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass
class Score:
    """The results of a contestant in each round."""

    seconds: list[float] = field(default_factory=list)
    grown: list[float] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The median time in seconds."""
        return statistics.median(self.seconds)


@contextmanager
def server(*options: object) -> Iterator[str]:
    """Run ``standin.py`` in another process, and yield its address."""
    command = [sys.executable, str(HERE / "standin.py"), *map(str, options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(60)


@contextmanager
def counted() -> Iterator[list[int]]:
    """Count the requests sent by this process."""
    import requests

    count, send = [0], requests.adapters.HTTPAdapter.send

    def counting(adapter: Any, request: Any, *arguments: Any, **keywords: Any) -> Any:
        count[0] += 1
        return send(adapter, request, *arguments, **keywords)

    requests.adapters.HTTPAdapter.send = counting  # type: ignore[method-assign, assignment]
    try:
        yield count
    finally:
        requests.adapters.HTTPAdapter.send = send  # type: ignore[method-assign]


def peak_memory() -> float:
    """Return the peak memory of this process in MB.

    ``ru_maxrss`` of a new process begins with the peak of the process that started it, so it is used only where there
    is no ``/proc``.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def measure(work: Callable[[], Mapping[str, Any] | None]) -> None:
    """Do the work in the contestant, and print its seconds, the growth of peak memory in MB, and its notes."""
    before = peak_memory()
    with counted() as requests_made:
        started, processor = time.perf_counter(), time.process_time()
        notes = dict(work() or {})
        seconds = time.perf_counter() - started
        # The CPU time of all threads, which can be compared even on a busy machine.
        notes["processor s"] = round(time.process_time() - processor, 3)
    if requests_made[0]:
        notes["requests"] = requests_made[0]
    grown = peak_memory() - before
    print(json.dumps({"seconds": seconds, "grown": grown, "notes": notes}))


def in_process(module: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Run a function of a benchmark in a fresh process; it ends with `measure`."""
    command = [sys.executable, str(HERE / "sidebyside.py"), module, name, json.dumps(arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE, env=ENVIRONMENT)
    if done.returncode:
        raise RuntimeError(f"{name} of {module} failed:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def compete(
    title: str, module: str, contestants: Sequence[str], arguments: Mapping[str, Any], rounds: int
) -> dict[str, Score]:
    """Let contestants do the same work in turn, and print the results as ratios to the first."""
    scores = {name: Score() for name in contestants}
    for _ in range(rounds):
        for name, score in scores.items():
            shown = in_process(module, name, arguments)
            score.seconds.append(shown["seconds"])
            score.grown.append(shown["grown"])
            score.notes = shown["notes"]
    first = scores[contestants[0]]
    print(f"{title} ({rounds} rounds)")
    for name, score in scores.items():
        told = ", ".join(f"{key} {value}" for key, value in score.notes.items())
        print(
            f"  {name:22s} {score.median:8.3f} s ({min(score.seconds):.3f} to {max(score.seconds):.3f}), "
            f"+{max(score.grown):5.0f} MB, {score.median / first.median:6.2f} x {contestants[0]}  {told}"
        )
    print(flush=True)
    return scores


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(**json.loads(sys.argv[3]))
