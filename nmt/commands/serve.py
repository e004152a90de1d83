"""Serve runs over HTTP, by the interface that clients of LibreTranslate speak. Only this machine
reaches it unless host= says otherwise. Texts are neither logged nor kept.

  nmt-serve run=runs/demo-transformer-s1
  nmt-serve run=[runs/a,runs/b,runs/c] port=8000
  nmt-serve run=hub:OWNER/NAME
  nmt-serve run=runs/a host=0.0.0.0 keys=keys.txt limits.characters=2000
"""

import logging
import sys
from importlib.util import find_spec
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nmt.checks import non_negative_int, positive_int, section
from nmt.cli.arguments import texts
from nmt.cli.interrupts import Terminated, left_to_the_caller
from nmt.commands.translate import load_translator

log = logging.getLogger(__name__)

NEEDED = ("starlette", "uvicorn", "python_multipart", "py3langid")
# The longest that a thread which computes waits, at each of many operations, for the one that reads
# and writes HTTP. By Python's own 5 ms it would stand still for a tenth of the time.
SWITCH_SECONDS = 0.0005


def main(cfg: DictConfig) -> None:
    """Serve as ``configs/serve.yaml`` says, until SIGTERM or Ctrl-C."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ValueError(
            f"nmt-serve needs {', '.join(missing)}: in the directory of the sources,"
            " pip install '.[serve]'"
        )
    from nmt.server.application import build_app, listening, server_of
    from nmt.server.limits import ApiKeys, Limits, check_origins
    from nmt.server.served_runs import ServedRuns

    with section("limits"):
        limits = Limits(**config["limits"])
    keys = ApiKeys() if config["keys"] is None else ApiKeys.read(str(config["keys"]))
    cors = check_origins(texts(config["cors"]))
    threads = None if config["threads"] is None else positive_int("threads", config["threads"])
    host, port = str(config["host"]), non_negative_int("port", config["port"])
    if port >= 2**16:
        raise ValueError(f"port must be below {2**16}, got {port}")
    with listening(host, port) as listener:  # before the models are loaded: it may be taken
        sys.setswitchinterval(SWITCH_SECONDS)
        runs = ServedRuns.load(
            texts(config["run"]), lambda run: load_translator({**config, "run": [str(run)]})
        )
        app = build_app(runs, limits, keys=keys, cors=cors, threads=threads)
        for run in runs.all:
            log.info("%s: %s to %s", run.name, run.source, run.target)
        shown = f"[{host}]" if ":" in host else host
        log.info("serving at http://%s:%s", shown, listener.getsockname()[1])
        try:
            with left_to_the_caller():
                server_of(app, limits).run([listener])
        except Terminated:
            log.info("served what was accepted")
