"""Quantities of Kubernetes as numbers in their base unit.

The grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

import msgspec

from k8s_inventory.collector.redact import REDACTED

Numbers = dict[str, Decimal]
"""Resource name -> amount: cores, bytes, pieces."""

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_decoder = msgspec.json.Decoder(dict[str, str | int | float])


@lru_cache(8192)
def quantity(text: str) -> Decimal:
    """`100m` -> 0.1, `1.5Gi` -> 1610612736, `1e3` -> 1000. Raises `ValueError` for what is no quantity."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no quantity")
    number, suffix, exponent = match.groups()
    value = Decimal(number)
    if suffix in _BINARY:
        value *= 1024 ** _BINARY[suffix]
    else:
        value = value.scaleb(_DECIMAL[suffix] if suffix else int(exponent or 0))
    whole = value.to_integral_value()
    return whole.quantize(Decimal(1)) if value == whole else value.normalize()


@lru_cache(8192)
def quantities(raw: bytes) -> Numbers:
    """The quantities of a JSON object, such as `{"cpu": "100m"}`; `null` has none, nor has what is redacted.

    Do not change the result.
    """
    if raw == b"null":
        return {}
    return {name: quantity(str(text)) for name, text in _decoder.decode(raw).items() if text != REDACTED}


def as_json(numbers: Numbers) -> bytes:
    """A JSON object of numbers with all their digits."""
    return msgspec.json.encode({name: msgspec.Raw(format(number, "f").encode()) for name, number in numbers.items()})
