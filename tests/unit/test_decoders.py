"""Types are made ready for decoding one at a time: msgspec, asked by two threads, ends the process."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import k8s_inventory

PACKAGE = Path(k8s_inventory.__file__).parent

RACE = textwrap.dedent(
    """
    import sys, threading
    import msgspec
    from k8s_inventory.decoders import decoder

    sys.setswitchinterval(1e-6)
    body = b'{"items": [{"metadata": {"uid": "a"}, "spec": {"x": {"y": [1, 2]}}}]}'

    def item():
        y = msgspec.defstruct("Y", [("y", list[int] | None, None)])
        x = msgspec.defstruct("X", [("x", y | None, None)])
        metadata = msgspec.defstruct("Metadata", [("uid", str, "")])
        return msgspec.defstruct("Item", [("metadata", metadata), ("spec", x | None, None)])

    def page(of):
        return msgspec.defstruct("Page", [("items", list[of] | None, None)])

    def work(at):
        for number in range(rounds):
            begin.wait()
            assert decoder(pages[number][at]).decode(body).items[0].spec.x.y == [1, 2]

    rounds, begin = 1500, threading.Barrier(2)
    items = [item() for _ in range(rounds)]
    # The same page, or two that hold the same items.
    pages = [(page(each),) * 2 if number % 2 else (page(each), page(each)) for number, each in enumerate(items)]
    threads = [threading.Thread(target=work, args=(at,)) for at in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    """
)


def test_threads_that_come_to_a_type_at_once_both_decode_by_all_of_it() -> None:
    ended = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_type_is_made_ready_in_another_way() -> None:
    found = {str(path.relative_to(PACKAGE)): len(_ways(path)) for path in PACKAGE.rglob("*.py") if _ways(path)}
    assert found == {"decoders.py": 1, "kube/kubeconfig/exec_plugin.py": 1}  # where it is made, and is known already


def _ways(path: Path) -> list[ast.Call]:
    """What a module of the registry does while it is imported, one thread does."""
    tree = ast.parse(path.read_text())
    is_of_registry = PACKAGE / "kinds" in path.parents
    within = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)] if is_of_registry else [tree]
    return [call for each in within for call in ast.walk(each) if isinstance(call, ast.Call) and _makes_ready(call)]


def _makes_ready(call: ast.Call) -> bool:
    what = ast.unparse(call.func)
    is_typed = any(each.arg == "type" for each in call.keywords)
    return what == "msgspec.json.Decoder" or (what in ("msgspec.json.decode", "msgspec.convert") and is_typed)
