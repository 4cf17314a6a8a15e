"""The text after ``Error: ``, with bbolt's message where bbolt has that error."""

from __future__ import annotations

import os

from ..errors import (
    BoltError,
    BucketNotFound,
    DestinationError,
    DestinationExists,
    DestinationIsSource,
    KeyNotFound,
    OpenError,
    SourceNotFound,
    StepFailed,
)
from ..text.golang import quote


def error_text(error: BoltError) -> bytes:
    """Return the text of ``error``, as in bbolt. It is bytes because it contains raw paths and keys."""
    if isinstance(error, SourceNotFound):
        return b"source database file " + quote(os.fsencode(error.path or "")) + b" doesn't exist"
    if isinstance(error, OpenError):
        path = os.fsencode(error.path or "")
        text = error.operation.encode() + b" " + path + b": " + _go_reason(error.reason)
        if error.operation == "stat" and not isinstance(error, DestinationError):
            text = b"failed to open source database file " + quote(path) + b": " + text
        return text
    if isinstance(error, StepFailed):
        first, *others = error.step.encode().split(b"{}")
        step = first + b"".join(quote(os.fsencode(path)) + words for path, words in zip(error.paths, others))
        return step + b": " + error_text(error.reason)
    if isinstance(error, DestinationExists):
        return b"output file " + quote(os.fsencode(error.path or "")) + b" already exists"
    if isinstance(error, DestinationIsSource):
        return b"output file " + quote(os.fsencode(error.path or "")) + b" is " + error.is_what.encode()
    if isinstance(error, BucketNotFound):
        return b"bucket not found"
    if isinstance(error, KeyNotFound):
        return b"Error key not found for key: " + quote(error.key) + b' hex: "' + error.key.hex().encode() + b'"'
    return str(error).encode("utf-8", "surrogateescape")


def _go_reason(reason: str) -> bytes:
    """Return the system's words as Go spells them: without a capital."""
    return (reason[:1].lower() + reason[1:]).encode("utf-8", "surrogateescape")
