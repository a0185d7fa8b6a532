"""Decoders of JSON by type, made one at a time.

msgspec 0.22 takes a Struct for known before it has looked at its fields, and looks at those in Python. A second thread
that comes to the Struct in that moment, or to what holds it, decodes by what is not there yet, and the process ends in
a segmentation fault. https://github.com/msgspec/msgspec/blob/0.22.0/src/msgspec/_core.c, StructInfo_Convert.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any, TypeVar, overload

import msgspec

Decoded = TypeVar("Decoded")

_making = threading.Lock()


@overload
def decoder(of: type[Decoded]) -> msgspec.json.Decoder[Decoded]: ...
@overload
def decoder(of: Any) -> msgspec.json.Decoder[Any]: ...
def decoder(of: Any) -> msgspec.json.Decoder[Any]:
    with _making:
        return msgspec.json.Decoder(of)


def decode(body: bytes | str | msgspec.Raw, of: type[Decoded]) -> Decoded:
    """By a decoder that is kept: not for types that are made while the program runs. Raises msgspec's errors."""
    known: msgspec.json.Decoder[Decoded] = _known(of)  # type: ignore[arg-type]
    return known.decode(body)


_known = cache(decoder)
