"""What keys and values mean: by their application's codecs, by a format or a schema that the user names, by a guess."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..errors import ArgumentError
from ..text.json import jsonable, parsed
from ..text.times import go_time, time_text
from ..text.values import text_or_bytes
from .codecs.compressed import MOST, NAMES, unpacked
from .codecs.gob import gob
from .codecs.guess import guess
from .codecs.integers import u64, varint, whole_uvarint
from .codecs.messagepack import messagepack
from .codecs.schema import message_decoder
from .codecs.wire import any_message, printable
from .contract import Application, Codec, Path, Store
from .registry import application, applications, recognise

AUTO, OFF = "auto", "off"


@dataclass
class Decoded:
    """What bytes mean, in a form that JSON can say; ``guess`` names the format if it is one that was guessed."""

    value: Any
    guess: str | None = None


@dataclass
class Decoder:
    """Decodes the pairs of a database. It never raises because of a pair: what isn't decoded is text, or 0x and hex.

    ``form`` decodes values, and raises ValueError for those that aren't of it: these are decoded as those of ``found``.
    """

    found: Application | None = None
    form: Callable[[bytes], Any] | None = None
    db: Store | None = None
    _codecs: dict[Path, Codec | None] = field(default_factory=dict, init=False)

    def key(self, path: Path, key: bytes) -> Decoded:
        codec = self._codec(path)
        if codec is not None and codec.key is not None:
            return _by(codec.key, key)
        only_values = self.form is not None and self.found is None
        return Decoded(plain(key)) if only_values else _guessed(key, is_key=True)

    def value(self, path: Path, key: bytes, value: bytes) -> Decoded:
        """Decode the value of ``key``; of one that is too large only its size is said."""
        if len(value) > MOST:
            return Decoded(f"({len(value)} bytes, not decoded)")
        if self.form is not None:
            try:
                return Decoded(plain(self.form(value)))
            except ValueError:
                if self.found is None:
                    return Decoded(plain(value))
        codec = self._codec(path)
        return _by(codec.value, key, value) if codec is not None and codec.value is not None else _guessed(value)

    def leave(self, paths: Iterable[Path] = ()) -> None:
        """Read no more in the database, which will be closed; what it says of the buckets at ``paths`` is kept."""
        for path in paths:
            self._codec(path)
        self.db = None

    def _codec(self, path: Path) -> Codec | None:
        found = self.found
        if found is not None and path not in self._codecs:
            if len(self._codecs) >= 4096:  # a store may have a bucket for each of a million jobs
                self._codecs.clear()
            try:
                self._codecs[path] = found.codec(path) if self.db is None else found.codec_in(self.db, path)
            except Exception:  # damage, or an application's own fault
                self._codecs[path] = found.codec(path)
        return self._codecs.get(path)


def _by(decode: Callable[..., Any], *data: bytes) -> Decoded:
    """Decode the last of ``data``; an application's own fault is no reason to show nothing."""
    try:
        return Decoded(plain(decode(*data)))
    except Exception:
        return Decoded(plain(data[-1]))


def decoder(db: Store | None, name: str, descriptors: str = "", message: str = "") -> Decoder | None:
    """Return what ``--decode name --proto descriptors --message message`` asks for; None if that is nothing.

    ``db`` is the database, None if it can't be read. Raises ArgumentError, OpenError or MissingExtra.
    """
    if bool(descriptors) != bool(message):
        raise ArgumentError("--proto and --message go together: a descriptor set, and the name of a message in it")
    form = message_decoder(descriptors, message) if descriptors else FORMATS.get(name)
    if name == OFF or name in FORMATS:
        return form and Decoder(form=form)
    if name == AUTO:
        found = None if db is None else recognise(db)
        return Decoder(None if found is None else found.application, form, db)
    known = application(name)
    if known is None:
        names = ", ".join([*(each.name for each in applications()), *FORMATS])
        raise ArgumentError(f"--decode {name}: must be auto, off, or one of {names}")
    return Decoder(known, form, db)


def plain(value: Any) -> Any:
    """Return ``value`` in a form that JSON can say: bytes that aren't plainly text as hex."""
    try:
        return jsonable(value, text=printable)
    except RecursionError:
        return str(type(value).__name__)


def _guessed(data: bytes, *, is_key: bool = False) -> Decoded:
    form, value = guess(data, is_key=is_key) or (None, data)
    return Decoded(plain(value), form)


def _known(decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Return ``decode``, raising ValueError for what it returns None of."""

    def decoded(data: bytes) -> Any:
        found = decode(data)
        if found is None:
            raise ValueError("not of this format")
        return found

    return decoded


def _unpacked(kind: str) -> Callable[[bytes], Any]:
    def unpack(data: bytes) -> Any:
        inner = unpacked(data, kind)
        return (guess(inner) or ("", text_or_bytes(inner)))[1]

    return unpack


FORMATS: dict[str, Callable[[bytes], Any]] = {
    "json": parsed,
    "msgpack": messagepack,
    "gob": gob,
    "protobuf": _known(lambda data: any_message(data) if data else {}),
    "time": _known(lambda data: time_text(go_time(data)) or None),
    "uvarint": _known(whole_uvarint),
    "varint": _known(varint),
    "u64": _known(u64),
    **{kind: _unpacked(kind) for kind in NAMES},
}
"""The formats that ``--decode`` can name; each raises ValueError for bytes that aren't of it."""
