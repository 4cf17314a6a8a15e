"""``--decode``, ``--proto`` and ``--message``: the decoder that they select."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..apps.decode import Decoder
    from ..storage.snapshot import Snapshot
    from .options import Decoding

    Path = tuple[bytes, ...]


def asked(snapshot: Snapshot, options: Decoding) -> Decoder | None:
    """Return the decoder that the options ask for; None for none. Raises BoltError."""
    if not is_asked(options):
        return None
    from ..apps.decode import decoder
    from ..database import Database

    return decoder(Database(snapshot), options.decode, options.proto, options.message)


def asked_of_file(path: str, bucket: Path, options: Decoding) -> Decoder | None:
    """Return the decoder for the present content of ``bucket`` of a file in use; None for none. Raises BoltError."""
    if not is_asked(options):
        return None
    from ..storage.live import Live
    from ..storage.source import open_source

    def ask(snapshot: Snapshot) -> Decoder | None:
        found = asked(snapshot, options)
        if found is not None:
            found.leave([bucket])
        return found

    with Live(open_source(path, "none")) as live:
        return live.read(ask)


def is_asked(options: Decoding) -> bool:
    """Return whether the options ask for decoding."""
    return options.decode != "off" or bool(options.proto or options.message)


def of_file(path: str, options: Decoding, pgids: list[int] | None) -> tuple[Decoder | None, dict[int, Path]]:
    """Return the decoder for pages of a file that may be damaged, and the bucket of each page if it is known. ``pgids``
    None: all pages. If the database can't be opened, the decoder guesses."""
    if not is_asked(options):
        return None, {}
    how = options.decode, options.proto, options.message
    from ..apps.decode import decoder
    from ..database import Database
    from ..errors import ArgumentError, BoltError, MissingExtra
    from ..storage.snapshot import Snapshot
    from ..tree.page_map import page_map

    paths: dict[int, Path] = {}
    try:
        with Snapshot(path) as snapshot:
            found = decoder(Database(snapshot), *how)
            mapped = page_map(snapshot)
            for pgid in range(len(mapped.kinds)) if pgids is None else pgids:
                owner = mapped.owner(pgid) if pgid < len(mapped.kinds) else None
                if owner is not None:
                    paths[pgid] = tuple(mapped.path(owner))
            if found is not None:
                found.leave(set(paths.values()))
    except (ArgumentError, MissingExtra):
        raise
    except BoltError:
        found = decoder(None, *how)
    return found, paths
