"""The lock that bbolt takes on Windows: LockFileEx on one byte far beyond the end of the file."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# bolt_windows.go: the byte at 2^64 - 1, which is in no file.
_OFFSET = 0xFFFFFFFF  # both halves of it
_FAIL_IMMEDIATELY, _EXCLUSIVE = 1, 2
_VIOLATION, _PENDING = 33, 997  # GetLastError: another process holds it


def lock_byte(fd: int, *, exclusive: bool = False, release: bool = False) -> None:
    """Take or release the lock of the file ``fd``, as ``take_lock`` and ``release_lock`` of ``files.py`` say."""
    import ctypes
    import msvcrt

    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined, unused-ignore]
    word, handle = ctypes.c_uint32, ctypes.c_void_p

    class Overlapped(ctypes.Structure):
        _fields_ = (
            ("internal", handle),
            ("internal_high", handle),
            ("offset", word),
            ("offset_high", word),
            ("event", handle),
        )

    byte = Overlapped(offset=_OFFSET, offset_high=_OFFSET)
    file = handle(msvcrt.get_osfhandle(fd))  # type: ignore[attr-defined, unused-ignore]
    if release:
        done = kernel.UnlockFileEx(file, word(0), word(1), word(0), ctypes.byref(byte))
    else:
        flags = _FAIL_IMMEDIATELY | (_EXCLUSIVE if exclusive else 0)
        done = kernel.LockFileEx(file, word(flags), word(0), word(1), word(0), ctypes.byref(byte))
    if done:
        return
    number = ctypes.get_last_error()  # type: ignore[attr-defined, unused-ignore]
    if number in (_VIOLATION, _PENDING):
        raise BlockingIOError(0, "another process holds the lock")
    raise OSError(0, ctypes.FormatError(number))  # type: ignore[attr-defined, unused-ignore]
