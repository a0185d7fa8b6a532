"""What another user of this machine gets to see."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

NOBODY = 65534
only_root_is_others = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user, too")


def as_nobody(attempt: Callable[[], object], *, number: int = NOBODY) -> str:
    """What comes of an attempt by the user `nobody`, or the one of a number: `got ...`, or the name of the exception
    and its message."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:  # nothing of the test may run on in here
        try:
            os.setgroups([])
            os.setgid(number)
            os.setuid(number)
            said = f"got {attempt()!r}"
        except BaseException as error:  # noqa: BLE001
            said = f"{type(error).__name__}: {error}"
        os.write(write, said.encode()[:4000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return said


def open_to_others(path: str | os.PathLike[str]) -> bool:
    return bool(os.stat(path).st_mode & 0o077)


def let_pass(path: Path) -> None:
    """Lets others pass the folders above: what shuts them out must be what is tested, and not pytest."""
    for folder in path.parents:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)
