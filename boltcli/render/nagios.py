"""Verdicts on files as the one line of a monitoring plugin: Nagios, Icinga, Naemon, Zabbix, Sensu, Checkmk.

The rules are those of the Monitoring Plugins Development Guidelines: a state, text for people, ``|``, and numbers.
"""

from collections.abc import Sequence
from typing import Any

from ..text.sizes import counted
from .records import Record, file_of

OK, WARNING, CRITICAL, UNKNOWN = range(4)
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

_GRAVITY = (OK, WARNING, UNKNOWN, CRITICAL)  # the state of many files is the gravest
# Kinds of errors that are the file's own fault; after others it may be sound, but could not be looked at.
_FAULTS = {"check-failed", "checksum", "corrupted", "invalid-database", "not-found", "unpack", "unreadable-page"}
_FAULTS |= {"version-mismatch"}
_NAMED = 3  # files
_LONGEST = 200  # characters that are said of a file


class Verdicts:
    """The verdicts on files, for a plugin called ``name``. ``measures`` are fields of records, whose sums are numbers
    of the line: what is unknown of one file is unknown of all."""

    def __init__(self, name: str, measures: Sequence[str] = ()) -> None:
        self._name = name
        self._counts = [0] * len(STATES)
        self._worst: dict[int, list[str]] = {state: [] for state in _GRAVITY}
        self._sums: dict[str, int | None] = dict.fromkeys(measures, 0)

    @property
    def state(self) -> int:
        """The state of all files, which is the exit status: UNKNOWN without a file."""
        return max((state for state in _GRAVITY if self._counts[state]), key=_GRAVITY.index, default=UNKNOWN)

    def add(self, record: Record, *, is_empty: bool = False) -> None:
        """Count the record of a file; ``is_empty``: it has no bytes."""
        error = record.get("error")
        if error:
            state = CRITICAL if is_empty or error["kind"] in _FAULTS else UNKNOWN
            said = "the file is empty" if is_empty else error["message"]
        elif not record["ok"]:
            found = record.get("problems") or [finding["message"] for finding in record.get("findings") or []]
            state, said = CRITICAL, f"{counted(record['errors'], 'error')}: {found[0]}" if found else "damaged"
        else:
            warnings = record["warnings"]
            state, said = (WARNING, warnings[0]) if warnings else (OK, "")
        self._count(state, file_of(record), said)
        for name, sum_ in self._sums.items():
            value: Any = record.get(name)
            self._sums[name] = None if sum_ is None or value is None else sum_ + value

    def _count(self, state: int, path: str, said: str) -> None:
        self._counts[state] += 1
        if len(self._worst[state]) < _NAMED:
            about = "" if not path or path in said else f"{path}: " if said else path
            self._worst[state].append(_plain(about + said))

    def line(self, seconds: float, *more: str) -> bytes:
        """Return the line; ``more`` is said of all files, and it took so many ``seconds``."""
        total, state = sum(self._counts), self.state
        text = ", ".join(f"{count} {STATES[at]}" for at in reversed(_GRAVITY) if (count := self._counts[at]))
        said = [f"{counted(total, 'file')}: {text}"] if total > 1 else []
        shown = self._worst[state] if total == 1 or state != OK else []
        said += shown
        hidden = self._counts[state] - len(shown)
        said += [f"{hidden} more {STATES[state]}"] * bool(shown and hidden) + [_plain(each) for each in more]
        numbers = [f"files={total};;;0"]
        numbers += [f"{STATES[at].lower()}={self._counts[at]};;;0" for at in range(len(STATES))]
        for name, sum_ in self._sums.items():
            unit = "B" if name == "size" else ""
            numbers.append(f"{name}=U" if sum_ is None else f"{name}={sum_}{unit};;;0")
        numbers.append(f"time={seconds:.3f}s;;;0")
        return f"{self._name} {STATES[state]} - {'; '.join(said)} | {' '.join(numbers)}\n".encode()


def failure_line(message: str) -> bytes:
    """Return the line for a call of which nothing came."""
    return f"BOLTCLI {STATES[UNKNOWN]} - {_plain(message)}\n".encode()


def _plain(text: str) -> str:
    """Return ``text`` on one line, without the sign before the numbers, and not too long."""
    text = text.encode("utf-8", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    text = text.replace("|", "\\x7c")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}...{text[-_LONGEST // 2 :]}"
