"""Typing into a shell, with TAB, and seeing which arguments come of it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path

from tests.support import ROOT

PATIENCE = 20.0  # seconds
QUIET = 0.2  # seconds without output: the shell has done what it does
MARK = "=="


class Shell:
    """An interactive shell on a terminal of its own, with boltcli's completion; its boltcli prints its arguments."""

    def __init__(self, argv: list[str], setup: str, folder: Path) -> None:
        program = folder / "bin" / "boltcli"
        program.parent.mkdir()
        # Asked for completions it is boltcli; else it shows what it was called with.
        program.write_text(
            f'#!/bin/sh\ncase "$1" in __complete|completion) exec "{sys.executable}" -m boltcli "$@";; esac\n'
            f'printf "{MARK}"; printf "<%s>" "$@"; printf "{MARK}\\n"\n'
        )
        program.chmod(0o755)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {
                "PATH": f"{program.parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "TERM": "dumb",
                "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null", "PS1": "$ ",
            }  # fmt: skip
            os.chdir(folder)
            os.execvpe(argv[0], argv, environment)
        self.send(setup + "\r")
        self.send("echo re''ady\r")
        self.read_until("ready")

    def send(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def settle(self) -> None:
        """Wait for the shell's answer, and its end."""
        wait = PATIENCE
        while select.select([self.fd], [], [], wait)[0]:
            os.read(self.fd, 65536)
            wait = QUIET

    def read_until(self, pattern: str) -> re.Match[str]:
        """Read what the terminal shows until ``pattern`` matches it."""
        shown = ""
        end = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, shown)):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"no {pattern!r} in {shown!r}")
            shown += os.read(self.fd, 65536).decode("utf-8", "replace")
        return match

    def arguments(self, typed: str) -> list[str]:
        """What boltcli is called with if ``typed`` (with TABs) and Enter are typed."""
        *parts, rest = typed.split("\t")
        for part in parts:
            self.send(part)
            self.settle()
            self.send("\t")
            self.settle()
        self.send(rest + "\r")
        match = self.read_until(rf"{MARK}((?:<[^\n]*>)){MARK}")
        return match[1][1:-1].split("><")

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
