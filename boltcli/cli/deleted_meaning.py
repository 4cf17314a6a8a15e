"""What deleted pairs mean to the program that wrote them: decoded, and by the key that each is a version of."""

from ..apps.contract import Application
from ..apps.decode import Decoded, Decoder
from ..apps.registry import recognised
from ..apps.values import find
from ..database import Database
from ..errors import BoltError
from ..ops.rescue.deleted import NOWHERE, Deleted
from ..ops.rescue.pages import MappedFile
from ..text.sizes import counted

Path = tuple[bytes, ...]


class Meaning:
    """The program that wrote a file, and the listed keys of the buckets where it keeps versions of keys."""

    def __init__(self, file: MappedFile, application: Application) -> None:
        self._file = file
        self._application = application
        self._decoder = Decoder(application)
        self._listed: dict[Path, set[bytes]] = {}

    def version_of(self, path: Path, key: bytes, value: bytes) -> tuple[bytes, bool] | None:
        """Return the key that a pair is a version of, and whether it is a delete; None where keys are keys."""
        codec = self._application.codec(self._home(path))
        return None if codec is None or codec.version is None else codec.version(key, value)

    def decoded(self, pair: Deleted) -> tuple[Decoded, Decoded] | None:
        """Return what key and value mean; None if the program has nothing to say of their bucket."""
        path = pair.path if pair.version_of is None else self._home(pair.path)
        if self._application.codec(path) is None:
            return None
        return self._decoder.key(path, pair.key), self._decoder.value(path, pair.key, pair.value)

    def note(self, pair: Deleted) -> None:
        """Count a pair that is listed."""
        if pair.version_of is not None:
            self._listed.setdefault(self._home(pair.path), set()).add(pair.version_of)

    def _home(self, path: Path) -> Path:
        """Return ``path``; for a page whose bucket isn't known that of the one bucket with versions."""
        if path[:1] != (NOWHERE,):
            return path
        found = [pattern for pattern, codec in self._application.codecs.items() if codec.version is not None]
        names = tuple(name for name in found[0] if isinstance(name, bytes)) if len(found) == 1 else ()
        return names if names and len(names) == len(found[0]) else path

    def summary(self) -> list[str]:
        """Return a sentence for each bucket with versions: how many keys were listed, and how many of them exist."""
        lines = []
        for path, listed in self._listed.items():
            total = counted(len(listed), "distinct key")
            name = b"/".join(path).decode("utf-8", "backslashreplace")
            try:
                there = len(listed & self._keys(path))
                which = f", {len(listed) - there} of them deleted, {there} with a newer version"
            except BoltError:
                which = "; how many of them still exist can't be read"
            lines.append(f"bucket {name}: {total}{which}")
        return lines

    def _keys(self, path: Path) -> set[bytes]:
        """Return the keys that exist: their newest version is no delete. Raises BoltError."""
        found: set[bytes] = set()
        with self._file.snapshot() as snapshot:
            store = find(Database(snapshot), *path)
            for key, value in store.range() if store is not None else ():
                version = self.version_of(path, key, value) if isinstance(value, bytes) else None
                if version is not None:
                    (found.discard if version[1] else found.add)(version[0])
        return found


def meaning(file: MappedFile) -> Meaning | None:
    """Return what is known of the program that wrote the file; None if that is nothing, or it can't be read."""
    try:
        with file.snapshot() as snapshot:
            found = recognised(snapshot)
    except BoltError:
        return None
    return None if found is None else Meaning(file, found.application)
