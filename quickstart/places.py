"""Where the quickstart keeps its data: one folder of the project, which git ignores and nobody else can look into."""

import os
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LOCAL = PROJECT / ".local"
POSTGRES = LOCAL / "postgres"
CLUSTERS = LOCAL / "clusters"
AIRFLOW = LOCAL / "airflow"
CLOUDQUERY = LOCAL / "cloudquery"
KUBECONFIG = LOCAL / "demo.kubeconfig"

LONGEST = 103
"""Bytes of a socket's path on the system that takes the fewest, macOS."""


def private(folder: Path) -> Path:
    """Makes a folder within `LOCAL`, or shuts one that is there, so that nobody but its owner can look into it.

    What an earlier version left in it open to others is shut, too.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in (folder, *folder.iterdir()):
        if each == folder or (each.is_file() and not each.is_symlink()):
            each.chmod(each.stat().st_mode & 0o700)
    # As root, PostgreSQL runs as a user of its own, who has to pass.
    LOCAL.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return folder


def write_private(path: Path, text: str) -> None:
    """Writes a file that nobody else can read at any moment, whatever was there before."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        file.write(text)  # its mode is 0600 from the start
    os.replace(file.name, path)


def socket_folder() -> Path:
    """Makes a folder for sockets, where nobody else can make one either. Its path is short, as theirs has to be."""
    is_short = len(os.fsencode(tempfile.gettempdir())) <= LONGEST - 50
    return Path(tempfile.mkdtemp(prefix="k8s-inventory-", dir=None if is_short else "/tmp"))
