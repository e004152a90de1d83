"""A command run as its user runs it, timed from outside and watched for memory."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Finished:
    """seconds: from start to end. peak_mb: the most ``RssAnon`` seen, 0 where there is no /proc.

    Memory-mapped files count as resident but can be dropped at any time: RssAnon leaves them out.
    """

    out: str
    err: str
    seconds: float
    peak_mb: float


def console_script(name: str) -> str:
    """The path of one of our commands, beside the Python that runs this."""
    return str(Path(sys.executable).parent / name)


def run(
    command: Sequence[str],
    *,
    text: str = "",
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Finished:
    """Run to the end. Raises RuntimeError with the last lines of stderr where it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
        cwd=directory,
    )
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak), daemon=True)
    watcher.start()
    out, err = (stream.decode("utf-8", "replace") for stream in process.communicate(text.encode()))
    seconds = time.perf_counter() - start
    watcher.join()
    if process.returncode:
        tail = "\n".join(err.splitlines()[-20:])
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    return Finished(out, err, seconds, peak[0])


def _watch(process: "subprocess.Popen[bytes]", peak: list[float]) -> None:
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            for line in status.read_text().splitlines():
                if line.startswith("RssAnon:"):
                    peak[0] = max(peak[0], int(line.split()[1]) / 1024)
        except OSError:
            return
        time.sleep(POLL_SECONDS)
