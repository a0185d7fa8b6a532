"""Flags of Airflow connections. In a connection's URI they are text, and the text `False` is true to Python."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

_flag: TypeAdapter[bool] = TypeAdapter(bool)


def flag(value: Any, name: str) -> bool:
    """What a connection's field says: true or false, or a word for it; unset is false. Raises `ValueError`."""
    if value is None or value == "":
        return False
    try:
        return _flag.validate_python(value)
    except ValidationError:
        raise ValueError(f"{name} must be true or false") from None
