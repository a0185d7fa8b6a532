"""Paths of the Kubernetes API, made of segments. Here alone they are escaped, and no request goes to any other path.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names
"""

from __future__ import annotations

from urllib.parse import quote


class ApiPath(str):
    """`ApiPath("api", "v1", "pods")` is `/api/v1/pods`: each argument is one segment, whatever it holds.

    Names of RBAC may hold `?`, `#`, spaces, anything but `/` and `%`; these are percent-encoded. `unfit` is the first
    segment that no path can hold, None where there is none; a `Session` refuses to ask for the path then.
    """

    unfit: str | None

    def __new__(cls, *segments: str) -> ApiPath:
        """Only from segments: an f-string of paths and names is no `ApiPath`, nor can it become one."""
        path = super().__new__(cls, "".join(f"/{quote(each, safe='', errors='replace')}" for each in segments))
        path.unfit = next((each for each in segments if not _is_fit(each)), None)
        return path


def _is_fit(segment: str) -> bool:
    """https://github.com/kubernetes/apimachinery/blob/master/pkg/api/validation/path/name.go

    What that refuses can not be escaped either: the API server unescapes first and looks for segments then (`a%2Fb` is
    two of them), and whatever stands before it may do so twice.
    """
    if segment in ("", ".", "..") or "/" in segment or "%" in segment:
        return False
    return not any("\ud800" <= each <= "\udfff" for each in segment)  # a lone surrogate is no character


def group_path(group: str, version: str, *rest: str) -> ApiPath:
    """What a version of an API group serves, and where: `/apis/apps/v1`, `/api/v1` for the group without a name."""
    return ApiPath("apis", group, version, *rest) if group else ApiPath("api", version, *rest)
