"""The package as a user installs it: built as a wheel, into a virtual environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal

PROJECT = Path(__file__).parents[1]
UV = Path(sys.executable).parent / "uv"


def build_wheel(folder: Path) -> Path:
    subprocess.run([str(UV), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(PROJECT)], check=True)
    (made,) = folder.glob("*.whl")
    return made


def install(
    wheel: Path, folder: Path, *, extra: str, versions: Literal["locked", "newest", "oldest"] = "locked"
) -> Path:
    """The folder of programs of an environment with `k8s-inventory[extra]`.

    In the locked versions, the newest that there are, or the oldest that the package says it works with.
    """
    subprocess.run([str(UV), "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    # Compiled, as by pip: else a program's first start takes longer than some that start it wait.
    command = [str(UV), "pip", "install", "--quiet", "--compile-bytecode", "--python", str(folder / "bin" / "python")]
    if versions == "oldest":  # of a wheel's requirements none is direct, those of the project are
        of_project = ["--requirement", str(PROJECT / "pyproject.toml"), "--extra", extra]
        subprocess.run([*command, "--resolution", "lowest-direct", *of_project], check=True)
    locked = ["--constraint", str(PROJECT / "requirements-dev.txt")] if versions == "locked" else []
    subprocess.run([*command, *locked, f"k8s-inventory[{extra}] @ file://{wheel}"], check=True)
    return folder / "bin"
