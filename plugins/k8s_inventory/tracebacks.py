"""Tracebacks that may be logged."""

from __future__ import annotations


def without_texts(error: BaseException, _seen: frozenset[int] = frozenset()) -> BaseException:
    """A stand-in for an error, for `exc_info`: the frames and classes of it and of what caused it, without their
    texts, which may quote an object, a kubeconfig or a connection."""
    kind = type(error)
    made = type(kind.__name__, (Exception,), {"__module__": kind.__module__, "__qualname__": kind.__qualname__})
    stand_in: BaseException = made()
    seen = _seen | {id(error)}
    if error.__cause__ is not None and id(error.__cause__) not in seen:
        stand_in.__cause__ = without_texts(error.__cause__, seen)
    elif error.__context__ is not None and not error.__suppress_context__ and id(error.__context__) not in seen:
        stand_in.__context__ = without_texts(error.__context__, seen)
    stand_in.__suppress_context__ = error.__suppress_context__
    return stand_in.with_traceback(error.__traceback__)
