"""Quantities of Kubernetes as numbers in their base unit.

The grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import lru_cache

import msgspec

from k8s_inventory.credentials import REDACTED
from k8s_inventory.mending import cut

Numbers = dict[str, Decimal]
"""Resource name -> amount: cores, bytes, pieces."""

_QUANTITY = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_decoder = msgspec.json.Decoder(dict[str, str | int | float])

_LONGEST = 1000
"""Characters of a quantity that is read. The API server takes any number of digits, and exponents of three."""

_EXACT = Context(prec=4 * _LONGEST)

_LONGEST_REMEMBERED = 4096


@lru_cache(8192)
def quantity(text: str) -> Decimal | None:
    """`100m` -> 0.1, `1.5Gi` -> 1610612736, `1e3` -> 1000; None where it is too long to be meant.

    Raises `ValueError` for what is no quantity.
    """
    if len(text) > _LONGEST:
        return None
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{cut(text, 100)!r} is no quantity")
    number, suffix, exponent = match.groups()
    value = Decimal(number)
    if suffix in _BINARY:
        value = _EXACT.multiply(value, Decimal(1024 ** _BINARY[suffix]))
    else:
        value = value.scaleb(_DECIMAL[suffix] if suffix else int(exponent or 0), _EXACT)
    whole = value.to_integral_value(context=_EXACT)
    return whole.quantize(Decimal(1), context=_EXACT) if value == whole else value.normalize(_EXACT)


exact_sum = _EXACT.add
"""The sum of two quantities, with all its digits: Python's own `+` has 28."""


def quantities(raw: bytes) -> Numbers:
    """The quantities of a JSON object, such as `{"cpu": "100m"}`; `null` has none, nor has what is redacted.

    Do not change the result: short ones are remembered.
    """
    return _remembered(raw) if len(raw) <= _LONGEST_REMEMBERED else _quantities(raw)


def _quantities(raw: bytes) -> Numbers:
    if raw == b"null":
        return {}
    texts = {name: str(text) for name, text in _decoder.decode(raw).items() if text != REDACTED}
    return {name: number for name, text in texts.items() if (number := quantity(text)) is not None}


_remembered = lru_cache(8192)(_quantities)


def as_json(numbers: Numbers) -> bytes:
    """A JSON object of numbers with all their digits."""
    return msgspec.json.encode({name: msgspec.Raw(format(number, "f").encode()) for name, number in numbers.items()})
