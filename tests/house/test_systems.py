"""What not every system has is used only where that was asked, and files are read as UTF-8 on all of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import needs_posix

PACKAGE = Path(__file__).resolve().parents[2] / "boltcli"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Windows, or macOS, lacks these (Python's manual: "Availability").
OF_OS = """
O_CLOEXEC O_DIRECTORY O_NOATIME O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC O_TMPFILE SEEK_DATA SEEK_HOLE chown chroot
copy_file_range ctermid fchdir fchmod fchown fdatasync fork forkpty fpathconf fstatvfs getegid geteuid getgid getgroups
getloadavg getpgid getpgrp getpriority getresuid getsid getuid getxattr killpg lchown listxattr lockf major memfd_create
minor mkfifo mknod nice openpty pathconf pidfd_open pipe2 posix_fadvise posix_fallocate posix_spawn pread preadv pwrite
pwritev readv removexattr sched_getaffinity sendfile setpgid setsid setxattr splice statvfs sync sysconf tcgetpgrp uname
unshare wait3 wait4 writev WNOHANG MFD_CLOEXEC POSIX_FADV_SEQUENTIAL
"""
OF_SIGNAL = """
SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 SIGWINCH alarm pause
pthread_kill pthread_sigmask setitimer sigwait
"""
OF_MMAP = "MAP_ANON MAP_ANONYMOUS MAP_PRIVATE MAP_SHARED PROT_EXEC PROT_READ PROT_WRITE MADV_SEQUENTIAL madvise"
NAMES = {"os": set(OF_OS.split()), "signal": set(OF_SIGNAL.split()), "mmap": set(OF_MMAP.split())}
# Where one is, the other is too.
WITH = {"SEEK_HOLE": "SEEK_DATA", "MFD_CLOEXEC": "memfd_create", "getxattr": "listxattr", "setxattr": "listxattr"}
LIBRARIES = {"fcntl", "grp", "msvcrt", "pty", "pwd", "resource", "syslog", "termios", "tty"}
_ASKED = ("os.name", "sys.platform")
_CAUGHT = ("ImportError", "AttributeError")


def _uses(node: ast.AST) -> Iterator[str]:
    """Yield the name that a node uses, if not every system has it."""
    if (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in NAMES.get(node.value.id, ())
    ):
        yield node.attr
    elif isinstance(node, ast.Import):
        yield from {alias.name for alias in node.names} & LIBRARIES
    elif isinstance(node, ast.ImportFrom) and node.module in LIBRARIES:
        yield node.module
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_context":
        yield "fork"


def _is_asked(name: str, scope: ast.AST) -> bool:
    """Return whether a function asks if a name is there, or on which system it is, or has another way without it."""
    name = WITH.get(name, name)
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("hasattr", "getattr"):
            if any(isinstance(word, ast.Constant) and word.value == name for word in node.args):
                return True
        elif isinstance(node, ast.Attribute):
            if ast.unparse(node) in _ASKED:
                return True
        elif isinstance(node, ast.ExceptHandler):
            kind = ast.unparse(node.type or node)
            if any(caught in kind for caught in _CAUGHT):
                return True
    return False


def _problems(code: ast.Module) -> list[str]:
    """Return the names that are used though not every system has them, with their lines."""
    found = []
    functions = [node for node in ast.walk(code) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    inside = {id(node): function for function in reversed(functions) for node in ast.walk(function)}
    for statement in code.body:
        for node in ast.walk(statement):
            for name in _uses(node):
                if not _is_asked(name, inside.get(id(node), statement)):
                    found.append(f"{name}, line {getattr(node, 'lineno', 0)}")
    return found


# Where it is asked elsewhere.
ELSEWHERE = {
    "fleet/engine.py": {"fork"},  # cli/many.py: one process where there is no fork
    "storage/holders.py": {"major", "minor", "sysconf"},  # for lines of tables that only Linux has
    "storage/windows_lock.py": {"msvcrt"},
}


def test_there_is_another_way() -> None:
    wrong = []
    for path in MODULES:
        name = path.relative_to(PACKAGE).as_posix()
        for problem in _problems(ast.parse(path.read_text(encoding="utf-8"))):
            if problem.partition(",")[0] not in ELSEWHERE.get(name, ()):
                wrong.append(f"{name}: {problem}")
    assert wrong == []


@pytest.mark.parametrize(("code", "found"), [
    ("def f():\n    os.pwrite(1, b'', 0)", ["pwrite, line 2"]),
    ("def f():\n    if hasattr(os, 'pwrite'):\n        os.pwrite(1, b'', 0)", []),
    ("def f():\n    if hasattr(os, 'pread'):\n        os.pwrite(1, b'', 0)", ["pwrite, line 3"]),
    ("import fcntl", ["fcntl, line 1"]),
    ("def f():\n    try:\n        import fcntl\n    except ImportError:\n        return", []),
    ("def f():\n    if sys.platform == 'linux':\n        signal.SIGKILL", []),
    ("def f():\n    signal.SIGKILL\ndef g():\n    if os.name == 'nt': pass", ["SIGKILL, line 2"]),
    ("x = os.O_TMPFILE", ["O_TMPFILE, line 1"]),
    ("def f():\n    get_context('fork')", ["fork, line 2"]),
])  # fmt: skip
def test_what_is_found(code: str, found: list[str]) -> None:
    assert _problems(ast.parse(code)) == found


def _unclear(code: ast.AST) -> Iterator[str]:
    """Yield calls that read or write text in whatever encoding the system has, or with its own ends of lines."""
    for node in ast.walk(code):
        if not isinstance(node, ast.Call):
            continue
        given = {word.arg for word in node.keywords}
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("read_text", "write_text"):
            if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "found":
                continue  # metadata: an object of importlib
            if "encoding" not in given or (name == "write_text" and "newline" not in given):
                yield f"{name}, line {node.lineno}"
        elif isinstance(node.func, ast.Name) and name == "open":
            mode = [*node.args[1:2], *(each.value for each in node.keywords if each.arg == "mode")]
            text = str(mode[0].value) if mode and isinstance(mode[0], ast.Constant) else "r"
            if "b" not in text and ("encoding" not in given or (re.search("[wax]", text) and "newline" not in given)):
                yield f"open, line {node.lineno}"


def test_text_is_utf_8() -> None:
    wrong = []
    for path in MODULES:
        code = ast.parse(path.read_text(encoding="utf-8"))
        opens = {node.name for node in code.body if isinstance(node, ast.FunctionDef)}  # a function of its own
        opens |= {alias.name for node in ast.walk(code) if isinstance(node, ast.ImportFrom) for alias in node.names}
        if "open" not in opens:
            wrong += [f"{path.relative_to(PACKAGE)}: {problem}" for problem in _unclear(code)]
    assert wrong == []


def test_what_is_unclear() -> None:
    for code in ("open('x')", "open('x', 'w', encoding='utf-8')", "p.read_text()", "p.write_text('', encoding='x')"):
        assert len(list(_unclear(ast.parse(code)))) == 1, code
    for code in ("open('x', 'rb')", "open('x', 'w', encoding='utf-8', newline='')", "os.open('x', 0)"):
        assert list(_unclear(ast.parse(code))) == []


def test_tests_that_windows_cannot_run(request: pytest.FixtureRequest) -> None:
    """Few of them; this one is among them, as it names /proc/."""
    assert needs_posix(request.node)
    tests = [item for item in request.session.items if isinstance(item, pytest.Function)]
    assert len(tests) < 1000 or sum(map(needs_posix, tests[::20])) < len(tests[::20]) / 4
