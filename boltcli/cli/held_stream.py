"""A stream that holds back what is written to it: in memory, or in a temporary file if it is much."""

import tempfile
from collections.abc import Iterable
from typing import Any, BinaryIO

from ..errors import OpenError
from ..text.visible import visible_bytes
from .streams import Terminal, write_styled

_IN_MEMORY = 8 << 20  # bytes of output; more goes to a temporary file


class HeldStream(tempfile.SpooledTemporaryFile[bytes]):
    """What is written for ``out``, held back; it is a terminal if that is one."""

    def __init__(self, out: BinaryIO) -> None:
        super().__init__(max_size=_IN_MEMORY, prefix="boltcli-")
        self._out = out
        self._is_terminal = isinstance(out, Terminal)

    def write(self, data: Any) -> int:
        return self._keep(visible_bytes(bytes(data)) if self._is_terminal else data)

    def write_styled(self, data: bytes) -> None:
        self._keep(data)

    def _keep(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OpenError("write", tempfile.gettempdir(), error.strerror or str(error)) from error

    def writelines(self, lines: Iterable[Any]) -> None:
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        return self._out.isatty()

    def fileno(self) -> int:
        return self._out.fileno()

    def hand_over(self) -> None:
        self.seek(0)
        while data := self.read(1 << 20):
            write_styled(self._out, data)
