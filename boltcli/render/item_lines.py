"""Keys and values as text: a line for each, of fields with tabs between them."""

from __future__ import annotations

from ..format.bucket import BucketRef
from ..text.values import LARGE, formatted, lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..apps.decode import Decoder
    from ..ops.read.select_items import Items


def value_line(value: bytes, form: str) -> Iterable[bytes]:
    """Yield one value and a newline, in pieces."""
    if len(value) <= LARGE:
        return (lines([value], form),)
    from itertools import chain

    from ..text.large_values import slices

    return chain(slices(value, form), (b"\n",))


def text_lines(
    part: Items,
    key_form: str,
    form: str,
    above: int,
    *,
    key: bool = True,
    value: bool = True,
    decoder: Decoder | None = None,
) -> Iterable[bytes]:
    """Return lines of keys, values or both, after the bucket path without its first ``above`` names.

    ``decoder``: say instead what they mean.
    """
    if decoder is not None:
        from .decoded import text_lines as readable_lines

        return (readable_lines(part, decoder, above, key=key, value=value),)
    if not value:
        return (key_lines(part, key_form, above),)
    return item_lines(part, key_form, form, above) if key else value_lines(part, form)


def key_lines(part: Items, form: str, above: int) -> bytes:
    """Return a line for each key, preceded by its bucket path without the first ``above`` names."""
    margin = _margin(part, form, above)
    return b"".join([b"%b%b\n" % (margin, key) for key in formatted(part.keys, form)])


def item_lines(part: Items, key_form: str, form: str, above: int) -> Iterator[bytes]:
    """Yield each key and its value; a bucket has no value, and no tab in its place. Names as in :func:`key_lines`."""
    margin = _margin(part, key_form, above)
    if (large := _large(part)) is not None:
        yield b"%b%b\t" % (margin, *formatted(part.keys, key_form))
        yield from value_line(large, form)
        return
    texts = iter(formatted([value for value in part.values if not isinstance(value, BucketRef)], form))
    yield b"".join(
        [
            b"%b%b\n" % (margin, key) if isinstance(value, BucketRef) else b"%b%b\t%b\n" % (margin, key, next(texts))
            for key, value in zip(formatted(part.keys, key_form), part.values)
        ]
    )


def _large(part: Items) -> bytes | None:
    """Return the value of a part that is one pair with a large one: these stand alone."""
    value = part.values[0] if len(part.values) == 1 else b""
    return None if isinstance(value, BucketRef) or len(value) <= LARGE else value


def value_lines(part: Items, form: str) -> Iterator[bytes]:
    """Yield the value of each pair."""
    if (large := _large(part)) is not None:
        yield from value_line(large, form)
        return
    texts = formatted([value for value in part.values if not isinstance(value, BucketRef)], form)
    yield b"".join([text + b"\n" for text in texts])


def _margin(part: Items, form: str, above: int) -> bytes:
    names = formatted(list(part.path[above:]), form)
    return b"\t".join(names) + b"\t" * bool(names)
