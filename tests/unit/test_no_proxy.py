"""Which servers go through which proxy of the environment, or of a kubeconfig."""

from __future__ import annotations

import pytest

from k8s_inventory.kube.errors import Unusable
from k8s_inventory.kube.proxies import Proxy, proxy_for

PROXY = {"HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("no_proxy", "server", "directly"),
    [
        ("", "https://api.example", False),
        ("*", "https://api.example", True),
        (" * ,x", "https://api.example", True),
        ("other, *", "https://api.example", True),
        ("*.*", "https://api.example", False),
        ("example", "https://api.example:6443", True),
        ("example", "https://example:6443", True),
        ("ample", "https://api.example", False),
        ("EXAMPLE", "https://API.example", True),
        (".example", "https://api.example", True),
        (".example", "https://example", False),
        ("*.example", "https://api.example", True),
        ("*.example", "https://a.b.example", True),
        ("*.example", "https://example", False),
        ("*example", "https://api.example", False),
        ("a.example,b.example", "https://b.example", True),
        (" a.example ,\tb.example\n", "https://b.example", True),
        ("a.example b.example", "https://b.example", False),
        ("example:6443", "https://api.example:6443", True),
        ("example:443", "https://api.example", True),
        ("example:443", "https://api.example:6443", False),
        (".example:6443", "https://api.example:6443", True),
        ("*.example:6443", "https://api.example:443", False),
        (":6443", "https://api.example:6443", False),
        ("example.", "https://api.example", False),
        ("bücher.example", "https://api.xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "https://api.bücher.example", True),
        ("10.1.2.3", "https://10.1.2.3:6443", True),
        ("10.1.2.3", "https://110.1.2.3", False),
        ("10.1.2.3:6443", "https://10.1.2.3:6443", True),
        ("10.1.2.3:6443", "https://10.1.2.3", False),
        ("10.0.0.0/8", "https://10.255.0.1", True),
        ("10.9.9.9/8", "https://10.255.0.1", True),
        ("10.0.0.0/255.0.0.0", "https://10.255.0.1", False),
        ("10.0.0.0/33", "https://10.0.0.1", False),
        ("10.0.0.0/8", "https://11.0.0.1", False),
        ("10.0.0.0/8", "https://api.example", False),
        ("10.0.0.0/8:6443", "https://10.0.0.1:6443", False),
        (".2.3", "https://10.1.2.3", False),
        ("::ffff:10.0.0.0/104", "https://10.1.2.3", True),
        ("fe80::/10", "https://[fe80::1%25eth0]", True),
        (".example", "https://[fe80::1%25.example]", False),
        ("fd00::1", "https://[fd00::1]:6443", True),
        ("fd00:0::1", "https://[fd00::1]:6443", True),
        ("[fd00::1]:6443", "https://[fd00::1]:6443", True),
        ("[fd00::1]:443", "https://[fd00::1]:6443", False),
        ("[fd00::1]", "https://[fd00::1]:6443", False),
        ("fd00::/64", "https://[fd00::ffff]", True),
        ("fd00::/64", "https://[fd01::ffff]", False),
        ("10.0.0.0/8", "https://[fd00::1]", False),
        ("10.1.2.3", "https://[::ffff:10.1.2.3]", True),
        ("10.0.0.0/8", "https://[::ffff:10.1.2.3]", True),
    ],
)
def test_no_proxy(no_proxy: str, server: str, directly: bool) -> None:
    proxy = proxy_for(server, "", PROXY | {"NO_PROXY": no_proxy})
    assert proxy == (None if directly else Proxy("http://proxy:3128"))


@pytest.mark.parametrize(
    "server",
    [
        "https://localhost:1",
        "https://127.0.0.1:1",
        "https://127.9.9.9:1",
        "https://[::1]:1",
        "https://[::ffff:127.0.0.1]",
    ],
)
def test_no_proxy_of_the_environment_is_for_this_machine(server: str) -> None:
    assert proxy_for(server, "", PROXY) is None
    assert proxy_for(server, "http://proxy:3128", {}) == Proxy("http://proxy:3128")


@pytest.mark.parametrize(
    ("environ", "server", "url"),
    [
        ({}, "https://api", None),
        ({"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:1"}, "https://api", "http://a:1"),
        ({"HTTPS_PROXY": "", "https_proxy": "http://b:1"}, "https://api", "http://b:1"),
        ({"HTTP_PROXY": "http://a:1"}, "https://api", None),
        ({"HTTPS_PROXY": "http://a:1"}, "http://api", None),
        ({"HTTP_PROXY": "http://a:1", "http_proxy": "http://b:1"}, "http://api", "http://a:1"),
        ({"http_proxy": "http://b:1"}, "http://api", "http://b:1"),
        ({"ALL_PROXY": "http://a:1", "all_proxy": "http://a:1"}, "https://api", None),
        ({"HTTPS_PROXY": "http://a:1", "REQUEST_METHOD": "GET"}, "https://api", "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "", "no_proxy": "api"}, "https://api", None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "other", "no_proxy": "api"}, "https://api", "http://a:1"),
        ({"HTTPS_PROXY": "a:1"}, "https://api", "http://a:1"),
        ({"HTTPS_PROXY": "a"}, "https://api", "http://a:80"),
        ({"HTTPS_PROXY": "u:p@a:1"}, "https://api", "http://u:p@a:1"),
        ({"HTTPS_PROXY": "10.0.0.1:3128/"}, "https://api", "http://10.0.0.1:3128"),
        ({"HTTPS_PROXY": "http://a"}, "https://api", "http://a:80"),
        ({"HTTPS_PROXY": "HTTP://a:1/x?y"}, "https://api", "http://a:1"),
        ({"HTTPS_PROXY": "https://a"}, "https://api", "https://a:443"),
        ({"HTTPS_PROXY": "socks5://a"}, "https://api", "socks5://a:1080"),
        ({"HTTPS_PROXY": "socks5h://u:%40@a"}, "https://api", "socks5h://u:%40@a:1080"),
        ({"HTTPS_PROXY": "http://[fd00::1]:3128"}, "https://api", "http://[fd00::1]:3128"),
    ],
)
def test_environment(environ: dict[str, str], server: str, url: str | None) -> None:
    proxy = proxy_for(server, "", environ)
    assert (proxy and proxy.url) == url


def test_the_proxy_of_a_kubeconfig_comes_before_the_environment() -> None:
    environ = {"HTTPS_PROXY": "http://env:1", "NO_PROXY": "*"}
    assert proxy_for("https://api", "http://own:1", environ) == Proxy("http://own:1")


def test_http_proxy_is_not_for_cgi() -> None:
    with pytest.raises(Unusable, match="REQUEST_METHOD"):
        proxy_for("http://api", "", {"HTTP_PROXY": "http://a:1", "REQUEST_METHOD": "GET"})


@pytest.mark.parametrize(
    "url",
    [
        "SeCrEt:3128",
        "127.0.0.1:3128",
        "http//SeCrEt:3128",
        "http:SeCrEt",
        "ftp://SeCrEt:3128",
        "http://u:SeCrEt@",
        "http://:3128",
        "http://a:SeCrEt",
        "http://a:99999",
        "http://u:SeCrEt/x@a:1",
        "http://u:SeCrEt%zz@a:1",
        "http://u:SeCrEt^@a:1",
        "http://Se CrEt:1",
        "http://a:1\n",
        "\thttp://a:1",
        "http://[fd00::1:3128",
        "socks4://SeCrEt:1080",
        f"socks5://u:{'SeCrEt' * 50}@a:1080",
    ],
)
def test_what_is_no_proxy_is_refused_without_its_value(url: str) -> None:
    with pytest.raises(Unusable, match="proxy-url") as refused:
        proxy_for("https://api", url, {})
    assert "SeCrEt" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_value_of_the_environment_that_is_no_proxy_is_refused_where_it_would_be_used() -> None:
    environ = {"HTTPS_PROXY": "http://u:SeCrEt^@proxy"}
    with pytest.raises(Unusable, match="HTTPS_PROXY of the environment") as refused:
        proxy_for("https://api", "", environ)
    assert "SeCrEt" not in str(refused.value)
    assert proxy_for("https://127.0.0.1", "", environ) is None


def test_what_is_shown_holds_no_userinfo() -> None:
    proxy = proxy_for("https://api", "http://u:SeCrEt@[fd00::1]:1", {})
    assert proxy is not None
    assert proxy.shown == "http://[fd00::1]:1"
    assert "SeCrEt" not in repr(proxy)
