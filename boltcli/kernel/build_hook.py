"""Build the kernel while hatchling makes a wheel or an editable install, if there is a C compiler.

Without a compiler the build continues: the wheel is then pure Python, and ``boltcli version`` says so.
``BOLTCLI_BUILD_KERNEL=0`` leaves it out, ``BOLTCLI_BUILD_KERNEL=require`` makes its absence an error.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("boltcli", "kernel")
NAME = "boltcli.kernel._kernel"


class KernelHook(BuildHookInterface[Any]):  # type: ignore[misc, unused-ignore]
    """Compiles the kernel, and tags the wheel for CPython 3.11 or newer on this system."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; add the result to the wheel. Raises RuntimeError only with BOLTCLI_BUILD_KERNEL=require."""
        self.scratch = tempfile.mkdtemp(prefix="boltcli-kernel-")
        folder = Path(self.root) / FOLDER
        editable = version == "editable"
        if editable:  # it goes beside its source
            for old in (*folder.glob("_kernel*.so"), *folder.glob("_kernel*.pyd")):
                old.unlink()
        wanted = os.environ.get("BOLTCLI_BUILD_KERNEL", "")
        if wanted == "0":
            return
        try:
            built = compile_kernel(folder, Path(self.scratch))
        except (Exception, SystemExit) as error:  # whatever a compiler, or setuptools, may come up with
            if wanted == "require":
                raise RuntimeError(f"the kernel can't be built: {error}") from error
            self.app.display_warning(f"boltcli goes without its compiled kernel, it can't be built here: {error}")
            return
        if editable:
            shutil.copy(built, folder / built.name)
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{platform}"
        build_data["force_include"][str(built)] = (FOLDER / built.name).as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove temporary build files."""
        shutil.rmtree(self.scratch, ignore_errors=True)


def compile_kernel(folder: Path, scratch: Path) -> Path:
    """Compile the sources in ``folder`` for the limited API; returns the extension module, which is in ``scratch``.

    Raises what the compiler's driver raises.
    """
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    flags = [] if os.name == "nt" else ["-O3", "-g0", "-fvisibility=hidden"]
    sources = sorted(map(os.path.relpath, folder.glob("*.c")))
    # In the one place where it stands; the module can't be imported from here.
    (version,) = re.findall(r"^VERSION = (\d+)", (folder / "__init__.py").read_text(), re.MULTILINE)
    macros = [("KERNEL_VERSION", version)]
    extension = Extension(NAME, sources, py_limited_api=True, extra_compile_args=flags, define_macros=macros)
    command = build_ext(Distribution({"name": "boltcli", "ext_modules": [extension]}))
    command.build_lib = command.build_temp = str(scratch)
    with silence():
        command.ensure_finalized()
        command.run()
    (built,) = [path for path in scratch.rglob("_kernel.*") if path.suffix in (".so", ".pyd")]
    return built


@contextlib.contextmanager
def silence() -> Any:
    """Capture stdout and stderr, also of compilers; an error raises them as its message."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield
        except (Exception, SystemExit) as error:
            sys.stdout.flush()
            sys.stderr.flush()
            file.seek(0)
            lines = file.read().decode(errors="replace").strip().splitlines()
            raise RuntimeError(lines[-1] if lines else str(error)) from error
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, before in zip((1, 2), saved):
                os.dup2(before, descriptor)
                os.close(before)
