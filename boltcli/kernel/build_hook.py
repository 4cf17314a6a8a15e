"""Build the kernel while hatchling makes a wheel or an editable install, if there is a C compiler.

Without a compiler the build continues: the wheel is then pure Python, and ``boltcli version`` says so.
``BOLTCLI_BUILD_KERNEL=0`` leaves it out, ``BOLTCLI_BUILD_KERNEL=require`` makes its absence an error.
"""

import os
import re
import shutil
import subprocess
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
        # In a process of its own, which keeps what compilers say off the screen.
        command = [sys.executable, str(Path(__file__).resolve()), str(folder), self.scratch]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=self.root)
        if done.returncode:
            reason = [f"status {done.returncode}", *done.stdout.splitlines(), *done.stderr.strip().splitlines()][-1]
            if wanted == "require":
                raise RuntimeError(f"the kernel can't be built: {reason}")
            self.app.display_warning(f"boltcli goes without its compiled kernel, it can't be built here: {reason}")
            return
        (built,) = [path for path in Path(self.scratch).rglob("_kernel.*") if path.suffix in (".so", ".pyd")]
        if editable:
            shutil.copy(built, folder / built.name)
            return
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{platform}"
        build_data["force_include"][str(built)] = (FOLDER / built.name).as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)


def compile_kernel(folder: Path, scratch: str) -> None:
    """Compile the sources in ``folder`` for the limited API; the extension module will be in ``scratch``."""
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    flags = [] if os.name == "nt" else ["-O3", "-g0", "-fvisibility=hidden"]
    sources = sorted(map(os.path.relpath, folder.glob("*.c")))
    # In the one place where it stands; the module can't be imported from here.
    (version,) = re.findall(r"^VERSION = (\d+)", (folder / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    macros = [("KERNEL_VERSION", version)]
    extension = Extension(NAME, sources, py_limited_api=True, extra_compile_args=flags, define_macros=macros)
    command = build_ext(Distribution({"name": "boltcli", "ext_modules": [extension]}))
    command.build_lib = command.build_temp = scratch
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    compile_kernel(Path(sys.argv[1]), sys.argv[2])
