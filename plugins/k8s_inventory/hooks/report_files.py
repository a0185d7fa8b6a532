"""The folder of the report: CSV files and the picture, on this machine or in object storage."""

from __future__ import annotations

import logging
import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import ObjectStoragePath

from k8s_inventory.printable import printable
from k8s_inventory.settings import Settings
from k8s_inventory.tracebacks import without_texts

log = logging.getLogger(__name__)

_OF_RUN = "%Y%m%dT%H%M%SZ"
_IS_OF_RUN = re.compile(r"\d{8}T\d{6}Z")
PICTURE = "counts.svg"


class ReportFiles:
    """Writes into a folder named by the instant of the run. What can not be written is said in `problems`, once: the
    report itself is in the database."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.report_path or os.path.join(
            os.environ.get("AIRFLOW_HOME") or os.path.expanduser("~/airflow"), "k8s_inventory_report"
        )
        self._run = datetime.now(UTC).strftime(_OF_RUN)
        self._root: Any = None
        self.problems: list[str] = []

    @property
    def folder(self) -> str:
        """Where the files of this run are, without a connection's name or credentials; empty where there are none."""
        scheme, of_url, rest = self._path.rpartition("://")
        shown = f"{scheme}{of_url}{rest.rpartition('@')[2] if of_url else rest}"
        return "" if self.problems else f"{shown.rstrip('/')}/{self._run}"

    def write(self, name: str, text: str) -> None:
        """Writes a file of this run."""
        self._try(lambda root: _write(root / self._run / name, text))

    def write_picture(self, text: str) -> None:
        """Writes the picture, which has one address for all runs."""
        self._try(lambda root: _write(root / PICTURE, text))

    def forget_old(self, days: int) -> None:
        """Deletes the folders of runs that are older."""
        self._try(lambda root: _forget(root, before=datetime.now(UTC) - timedelta(days=days)))

    def _try(self, what: Any) -> None:
        if self.problems:
            return
        try:
            self._root = self._root or _opened(self._path)
            what(self._root)
        except Exception as error:  # a file system raises what its service's library raises
            log.error("the report's files", exc_info=without_texts(error))
            reason = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
            self.problems.append(
                f"the report's files can not be written ({type(error).__name__}{printable(reason)}): K8S_REPORT_PATH "
                "must be a folder, or a path of object storage with its provider installed"
            )


def _opened(path: str) -> Any:
    root = ObjectStoragePath(path)
    if root.protocol in ("", "file", "local") and not root.exists():
        os.makedirs(root.path, mode=0o700)  # what is in it is the inventory's
    return root


def _write(path: Any, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def _forget(root: Any, *, before: datetime) -> None:
    for folder in root.iterdir():
        if _IS_OF_RUN.fullmatch(folder.name) and folder.name < before.strftime(_OF_RUN):
            root.fs.rm(folder.path, recursive=True)
