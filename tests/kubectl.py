"""kubectl, as the reference of what a kubeconfig means, where one that is new enough is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

_OLDEST = 30
"""The minor version from which on it reads and refuses what the tests' tables say."""


def _found() -> str | None:
    path = shutil.which("kubectl")
    if path is None:
        return None
    asked = subprocess.run([path, "version", "--client", "-o", "json"], capture_output=True, text=True)
    try:
        minor = re.match(r"\d+", json.loads(asked.stdout)["clientVersion"]["minor"])
    except (ValueError, KeyError):
        return None
    return path if minor and int(minor[0]) >= _OLDEST else None


KUBECTL = _found()
