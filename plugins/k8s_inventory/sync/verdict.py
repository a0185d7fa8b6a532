"""What an outcome means for the task, and for the person who reads of it."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """How a task on a target ends."""

    SUCCEED = "succeed"
    SKIP = "skip"
    FAIL = "fail"
    RETRY = "retry"


def verdict(outcome: str, *, named: bool, retryable: bool = True) -> Verdict:
    """`named`: the user asked for this kind by name. What is forbidden, absent or unsupported by default is skipped."""
    if outcome == "complete":
        return Verdict.SUCCEED
    if outcome in ("forbidden", "absent", "unsupported"):
        return Verdict.FAIL if named else Verdict.SKIP
    if outcome == "unauthorized" or not retryable:
        return Verdict.FAIL
    return Verdict.RETRY


_ADVICE = {
    "partial": "What was read is stored and nothing was deleted. Run it again; if it recurs, use smaller pages.",
    "unauthorized": "Renew its credentials; `kubectl --context NAME auth whoami` shows whether they work.",
    "forbidden": "Grant `list` on it (docs/rbac.md has the ClusterRole), or leave it out of `resources`.",
    "absent": "The cluster does not serve this kind. Leave it out of `resources` where that is meant.",
    "unsupported": "Such objects, metrics for one, can not be stored. Leave the kind out of `resources`.",
    "unreachable": "Check the server's address, VPN, proxy and firewall from the machine that runs this.",
    "failed": "The error says what happened; stored rows are as they were.",
}


def advice(outcome: str) -> str:
    """What to do about a target that is not complete."""
    return _ADVICE.get(outcome, "")
