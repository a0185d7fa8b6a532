"""How an attempt on a target ends: one outcome, how bad it is, what to do about it, and what it means for its task."""

from __future__ import annotations

from enum import Enum, StrEnum


class Verdict(Enum):
    """How a task on a target ends."""

    SUCCEED = "succeed"
    SKIP = "skip"
    FAIL = "fail"
    RETRY = "retry"


class Outcome(StrEnum):
    """The outcomes, the worst first. The text of each is what SQL has.

    `advice` is for the person who reads of it. `is_lack`: the cluster does not give the kind, which is no failure where
    nobody asked for it by name. `is_passed_over`: another run has it in hand.
    """

    advice: str
    is_lack: bool
    is_passed_over: bool

    NOT_RUN = "not run", "Its task was ended, or never began; the log of the task says why."
    UNAUTHORIZED = (
        "unauthorized",
        "Renew its credentials; `kubectl --context NAME auth whoami` shows whether they work.",
    )
    UNREACHABLE = "unreachable", "Check the server's address, VPN, proxy and firewall from the machine that runs this."
    FAILED = "failed", "The error says what happened; stored rows are as they were."
    PARTIAL = (
        "partial",
        "What was read is stored and nothing was deleted. Run it again; if it recurs, use smaller pages.",
    )
    FORBIDDEN = (
        "forbidden",
        "Grant `list` on it (docs/rbac.md has the ClusterRole), or leave it out of `resources`.",
        "lack",
    )
    ABSENT = (
        "absent",
        "The cluster does not serve this kind. Leave it out of `resources` where that is meant.",
        "lack",
    )
    UNSUPPORTED = (
        "unsupported",
        "Such objects, metrics for one, can not be stored. Leave the kind out of `resources`.",
        "lack",
    )
    BUSY = "busy", "Nothing: the run that its error names writes it, and the next one goes on from there.", "busy"
    COMPLETE = "complete"

    def __new__(cls, value: str, advice: str = "", trait: str = "") -> Outcome:
        made = str.__new__(cls, value)
        made._value_ = value
        made.advice = advice
        made.is_lack = trait == "lack"
        made.is_passed_over = trait == "busy"
        return made

    @property
    def severity(self) -> int:
        """Higher is worse; of several, the worst stands for all."""
        return -list(Outcome).index(self)

    def verdict(self, *, named: bool, retryable: bool = True) -> Verdict:
        """How a task ends on it. `named`: the user asked for this kind by name. `retryable` is the error's own word."""
        if self is Outcome.COMPLETE:
            return Verdict.SUCCEED
        if self.is_passed_over:
            return Verdict.SKIP
        if self.is_lack:
            return Verdict.FAIL if named else Verdict.SKIP
        return Verdict.RETRY if retryable else Verdict.FAIL
