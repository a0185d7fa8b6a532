"""Paths of the API: every segment stays one, whatever it holds."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from k8s_inventory.kinds import KINDS, ApiPath
from k8s_inventory.kinds.custom import custom_kind_named
from k8s_inventory.kube.contexts import Context
from k8s_inventory.kube.errors import Unnameable
from k8s_inventory.kube.session import Session

SESSION = Session(Context(name="nowhere", problem="asked for a client"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web", "web"),
        ("a?b", "a%3Fb"),
        ("a#b", "a%23b"),
        ("a b", "a%20b"),
        ("system:node", "system%3Anode"),
        ("ünï", "%C3%BCn%C3%AF"),
        ("..x", "..x"),
        ("...", "..."),
        ("a\\b", "a%5Cb"),
        ("a\nb\0", "a%0Ab%00"),
        ("a;b&c=d+e", "a%3Bb%26c%3Dd%2Be"),
    ],
)
def test_a_name_is_one_segment(name: str, expected: str) -> None:
    kind = KINDS["clusterroles"]
    path = kind.object_path("v1", None, name)
    assert path == f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{expected}"
    assert path.unfit is None


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_is_sent_is_the_name_or_nothing(name: str) -> None:
    """urllib3, which takes dot segments out and escapes by itself, is given nothing that it would change."""
    path = KINDS["roles"].object_path("v1", name, name)
    if path.unfit is not None:
        assert name in (".", "..") or set(name) & set("/%")
        return
    sent = urllib3.util.parse_url(f"https://server{path}").request_uri
    assert sent == path
    assert [unquote(each) for each in sent.split("/")][5::2] == [name, name]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "100%", "%2e%2e", "a%2fb", "../../secrets", "/", "\ud800"])
def test_what_no_path_can_hold_is_never_asked_for(name: str) -> None:
    """The API server takes `%2F` for a slash, and Kubernetes allows no such name."""
    paths = [
        KINDS["pods"].list_path("v1", name),
        KINDS["pods"].object_path("v1", "shop", name),
        custom_kind_named(f"{name or '/'}.shop.example").list_path("v1"),
        ApiPath("apis", "shop.example", name),
    ]
    for path in paths:
        with pytest.raises(Unnameable, match="context nowhere, .*not asked for"):
            SESSION.get(path)


def test_no_other_path_is_asked_for() -> None:
    path = KINDS["pods"].list_path("v1", "shop")
    for text in ("/api/v1/pods", f"{path}/web", path + "/web", f"{path}"):
        with pytest.raises(TypeError, match="ApiPath"):
            SESSION.get(text)  # type: ignore[arg-type]
    assert ApiPath("/api/v1/pods").unfit == "/api/v1/pods"
