"""Bodies that are read as they come, wherever they are cut."""

from __future__ import annotations

import pytest

from k8s_inventory.kube.transport import Refused, _Chunked, _Plain

EVENTS = b'{"type":"ADDED"}\n{"type":"BOOKMARK"}\n'


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 100])
@pytest.mark.parametrize("extension", [b"", b";a=b"])
def test_chunks_are_joined_wherever_they_are_cut(step: int, extension: bytes) -> None:
    sent = b"".join(
        b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in (EVENTS[:5], EVENTS[5:17], EVENTS[17:])
    )
    body = _Chunked()
    taken = b"".join(body.take(sent[start : start + step]) for start in range(0, len(sent), step))
    assert (taken, body.is_whole) == (EVENTS, False)
    body.take(b"0\r\n")
    assert body.is_whole


@pytest.mark.parametrize("sent", [b"no size\r\n", b"-1\r\n", b"\r\n", b"f" * 17 + b"\r\n", b"1;" + b"a" * 9000])
def test_what_is_no_chunk_is_refused(sent: bytes) -> None:
    with pytest.raises(Refused):
        _Chunked().take(sent)


def test_a_body_of_a_length_ends_with_it() -> None:
    body = _Plain(5)
    assert (body.take(b"abc"), body.is_whole) == (b"abc", False)
    assert (body.take(b"defgh"), body.is_whole) == (b"de", True)
