"""Add to the metadata what depends on the project's address: its URLs, and a README whose links work elsewhere.

The address is in one place, ``address`` of ``[tool.hatch.metadata.hooks.custom]`` in pyproject.toml. Without one there
are no URLs, and links to files of the repository become their words.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


class ProjectMetadata(MetadataHookInterface):
    """Fills the dynamic fields ``readme`` and ``urls``."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the fields to ``metadata``."""
        address = self.config.get("address", "").rstrip("/")
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": readme(text, address)}
        metadata["urls"] = urls(address, self.config.get("documentation", ""))


def urls(address: str, documentation: str = "") -> dict[str, str]:
    """Return the project's URLs by their names; only that of the file format if there is no ``address``."""
    found = {"File format (bbolt)": "https://github.com/etcd-io/bbolt"}
    if address:
        found |= {"Homepage": address, "Source": address, "Issues": f"{address}/issues"}
        found["Changelog"] = f"{address}/blob/HEAD/CHANGELOG.md"
        found["Documentation"] = documentation or f"{address}/tree/HEAD/boltcli/guide"
    return found


def readme(text: str, address: str) -> str:
    """Return ``text`` with absolute links and pictures; without an ``address`` with words for links and no picture."""

    def replaced(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        if "://" in target or target.startswith("#"):
            return found[0]
        if not address:
            return "" if picture else words
        return f"{picture}[{words}]({address}/{'raw' if picture else 'blob'}/HEAD/{target})"

    return _LINK.sub(replaced, text)
