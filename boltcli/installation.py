"""How this boltcli was installed, and the commands that add a library to it or install it again."""

import os
import shlex
import sys
from functools import cache
from typing import Any, NamedTuple

_NAME = "boltcli"


class Installation(NamedTuple):
    """``way``: pip, pipx, uv (an environment of it), uv-tool, zipapp or source (no package is installed).

    ``origin`` is what was installed: a name of the package index, a folder or an address; ``editable``: the folder is
    used in place. ``python`` is the interpreter."""

    way: str
    origin: str = _NAME
    editable: bool = False
    python: str = "python3"

    def to_add(self, packages: list[str], extra: str = "") -> str:
        """Return the command that adds ``packages``, those of an ``extra`` if they are."""
        words = shlex.join(packages)
        if self.way == "zipapp":
            how = f"in a clone of boltcli: make zipapp EXTRAS={extra}" if extra else f"install boltcli with {words}"
            return f"this zipapp is without it; {how}"
        if self.way == "pipx":
            return f"pipx inject {_NAME} {words}"
        if self.way == "uv-tool":
            added = " ".join(f"--with {shlex.quote(package)}" for package in packages)
            return f"uv tool install {added} {self._origin()}"
        return self._pip(words)

    def again(self) -> str:
        """Return the command that installs the same again, built anew."""
        if self.way == "zipapp":
            return "in a clone of boltcli: make zipapp"
        if self.way == "pipx":
            return f"pipx reinstall {_NAME}"
        if self.way == "uv-tool":
            return f"uv tool install --reinstall --no-cache {self._origin()}"
        cache = "--no-cache" if self.way == "uv" else "--no-cache-dir"
        return self._pip(f"--force-reinstall {cache} --no-deps {self._origin()}")

    def _origin(self) -> str:
        return "--editable " * self.editable + shlex.quote(self.origin)

    def _pip(self, what: str) -> str:
        python = shlex.quote(self.python)
        return f"uv pip install --python {python} {what}" if self.way == "uv" else f"{python} -m pip install {what}"


def installation() -> Installation:
    """Return how this boltcli was installed."""
    from importlib.metadata import PackageNotFoundError, distribution

    python = sys.executable or "python3"
    if "_bootstrap" in sys.modules and hasattr(sys.modules["_bootstrap"], "cache_path"):  # shiv's
        return Installation("zipapp", python=python)
    try:
        found = distribution(_NAME)
    except PackageNotFoundError:
        return Installation("source", python=python)
    origin, editable = _origin(found.read_text("direct_url.json"))
    installer = (found.read_text("INSTALLER") or "").strip()
    ways = {"pipx_metadata.json": "pipx", "uv-receipt.toml": "uv-tool"}
    in_prefix = (way for name, way in ways.items() if os.path.exists(os.path.join(sys.prefix, name)))
    way = next(in_prefix, "uv" if installer == "uv" else "pip")
    return Installation(way, origin, editable, python)


def _origin(direct_url: str | None) -> tuple[str, bool]:
    """Return what was installed, and whether it is used in place: what pip notes of it."""
    if not direct_url:
        return _NAME, False
    from json import loads
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    noted: dict[str, Any] = loads(direct_url)
    url = str(noted["url"])
    if url.startswith("file:"):
        return url2pathname(urlsplit(url).path), bool(noted.get("dir_info", {}).get("editable"))
    vcs = noted.get("vcs_info", {})
    return f"{vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else url, False


@cache
def to_install(module: str, extra: str) -> str:
    """Return the command that installs ``module``, with the rest of its ``extra`` if it belongs to one."""
    packages = [module]
    if extra:
        from importlib.metadata import PackageNotFoundError, requires

        try:
            wanted = requires(_NAME) or []
        except PackageNotFoundError:
            wanted = []
        ending = {f'; extra == "{extra}"', f"; extra == '{extra}'"}
        found = [line.partition(";")[0].strip() for line in wanted if any(map(line.endswith, ending))]
        packages = found or packages
    return installation().to_add(packages, extra)
