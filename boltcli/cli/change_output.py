"""Write changes to standard output, for ``diff`` and ``watch``."""

from __future__ import annotations

from ..render.change_lines import text_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..apps.decode import Decoder
    from ..ops.compare.change import Change
    from .output import Output


class ChangeOutput:
    """Writes changes to ``out``, as text without the first ``above`` names of the bucket path. ``values``: show old and
    new values in text; ``keys_only``: leave them out in JSON. ``decoder`` decodes them; None shows them as they are."""

    def __init__(
        self, out: Output, *, values: bool, keys_only: bool, above: int = 0, decoder: Decoder | None = None
    ) -> None:
        self.decoder = decoder
        self._out = out
        self._values = values and not keys_only
        self._keys_only = keys_only
        self._above = above
        self._short, self._colour = out.is_terminal, out.has_colours

    def write(self, change: Change, head: bytes = b"", **more: Any) -> None:
        """Write one change: ``head`` begins a line of text, ``more`` are further fields of JSON."""
        self._out.stream(
            [change], json=lambda change: self._json(change, more), text=lambda change: self._text(change, head),
            styled=self._colour,
        )  # fmt: skip

    def _json(self, change: Change, more: dict[str, Any]) -> Iterator[bytes]:
        from ..render.changes import record

        decoded: dict[str, Any] = {}
        if self.decoder is not None:
            from ..render.decoded import change_record

            decoded = change_record(self.decoder, change)
            if self._keys_only:
                decoded = {name: value for name, value in decoded.items() if name.startswith("key_")}
        return record(change, values=not self._keys_only, **more, **decoded)

    def _text(self, change: Change, head: bytes) -> Iterator[bytes]:
        if self.decoder is not None:
            from ..render.decoded import readable_change

            change = readable_change(self.decoder, change)
        yield head
        yield from text_line(change, above=self._above, values=self._values, short=self._short, colour=self._colour)
