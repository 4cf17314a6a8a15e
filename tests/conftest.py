"""What tests of several folders share."""

from __future__ import annotations

import signal

import pytest

from boltcli.kernel import load_kernel

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background; commands would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

HAS_KERNEL = load_kernel() is not None


@pytest.fixture(params=["kernel", "python"])
def walks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test twice: with the compiled kernel, where that was built, and without; on small files too."""
    choice: str = request.param
    if choice == "kernel" and not HAS_KERNEL:
        pytest.skip("the kernel was not built, or is turned off")
    monkeypatch.setenv("BOLTCLI_KERNEL", "1" if choice == "kernel" else "0")
    monkeypatch.setattr("boltcli.ops.check.database_check.FEW_PAGES", 0)
    monkeypatch.setattr("boltcli.ops.stats.database_stats.FEW_PAGES", 0)
    return choice
