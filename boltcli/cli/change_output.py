"""Write changes to standard output, for ``diff`` and ``watch``."""

from __future__ import annotations

from ..render.change_lines import text_line
from .streams import wants_style, write_styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ..apps.decode import Decoder
    from ..ops.compare.change import Change


class ChangeOutput:
    """Writes changes to ``out`` as JSON, or as text without the first ``above`` names of the bucket path.

    ``values``: show old and new values. ``decoder`` decodes them; None shows them as they are.
    """

    def __init__(
        self, out: BinaryIO, *, json: bool, values: bool, above: int = 0, decoder: Decoder | None = None
    ) -> None:
        self.decoder = decoder
        self._out = out
        self._json = json
        self._values = values
        self._above = above
        self._short, self._colour = out.isatty(), wants_style(out)

    def write(self, change: Change, head: bytes = b"", **more: Any) -> None:
        """Write one change: ``head`` begins a line of text, ``more`` are further fields of JSON."""
        if self._json:
            from ..render.changes import record

            self._out.writelines(record(change, values=self._values, **more, **self._decoded(change)))
            return
        if self.decoder is not None:
            from ..render.decoded import readable_change

            change = readable_change(self.decoder, change)
        values, short, colour = self._values, self._short, self._colour
        self._out.write(head)
        for piece in text_line(change, above=self._above, values=values, short=short, colour=colour):
            if colour:
                write_styled(self._out, piece)
            else:
                self._out.write(piece)

    def _decoded(self, change: Change) -> dict[str, Any]:
        if self.decoder is None:
            return {}
        from ..render.decoded import change_record

        found = change_record(self.decoder, change)
        return found if self._values else {name: value for name, value in found.items() if name.startswith("key_")}
