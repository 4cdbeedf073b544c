"""What the benchmark needs beside the project: the other systems, installed at exact versions into `.bench/`.

What belongs here: installing, and saying what cannot be. They are no dependencies of the project (docs/adr/0011).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".bench"
PEERS_PYTHON = str(FOLDER / "venv" / "bin" / "python")
REQUIREMENTS = Path(__file__).with_name("peers") / "requirements.txt"
# Systems that run in the environment of `PEERS_PYTHON`.
IN_PYTHON = ("dbos-sqlite", "dbos-postgres", "celery", "restate")
PACKAGE = Path(__file__).with_name("peers") / "package.json"


def equip() -> dict[str, str]:
    """Install what is absent or of another version; returns the systems that cannot be measured, with the reason."""
    FOLDER.mkdir(exist_ok=True)
    missing: dict[str, str] = {}
    for name, source, install, systems in (
        ("Restate's server", PACKAGE, _install_npm, ("restate",)),
        ("Python packages of the other systems", REQUIREMENTS, _install_python, IN_PYTHON),
    ):
        stamp = FOLDER / f"{source.name}.installed"
        wanted = hashlib.sha256(source.read_bytes() + sys.version.encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        print(f"Installing {name} into .bench/ …", flush=True)
        try:
            install()
        except (OSError, subprocess.CalledProcessError) as error:
            missing |= dict.fromkeys(systems, f"{name} could not be installed: {error}")
        else:
            stamp.write_text(wanted)
    if shutil.which("redis-server") is None:
        script = ROOT / ".ci" / "bench-machine"
        subprocess.run(["bash", str(script)], check=False)  # noqa: S603, S607
    if shutil.which("redis-server") is None:
        missing.setdefault("celery", "redis-server is not installed")
    return missing


def versions() -> dict[str, str]:
    """Exact versions, as they are pinned."""
    pins = dict(line.split("==") for line in REQUIREMENTS.read_text().splitlines() if "==" in line)
    npm = json.loads(PACKAGE.read_text())["dependencies"]
    return {name: pins[name] for name in ("dbos", "celery", "redis", "restate-sdk", "hypercorn")} | npm


def _install_python() -> None:
    uv = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    venv = str(FOLDER / "venv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv], check=True)  # noqa: S603
    subprocess.run(  # noqa: S603
        [uv, "pip", "install", "--quiet", "--python", PEERS_PYTHON, "--requirements", str(REQUIREMENTS)], check=True
    )


def _install_npm() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("npm is not installed")
    shutil.copy(PACKAGE, FOLDER / "package.json")
    subprocess.run(  # noqa: S603
        [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(FOLDER)], check=True
    )
