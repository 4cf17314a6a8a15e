"""Write the sources of the site to build/site-source: the guide, the project's pages, the schema, the API, screenshots.

A page is copied from where it is; its links to other pages are changed to those of the site. Raises ValueError for a
link to what isn't on the site.
"""

import asyncio
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

import boltcli
from boltcli.cli.browse.app import BrowseApp
from boltcli.cli.browse.session import Session
from boltcli.storage.live import Live
from boltcli.storage.source import open_source

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site-source"
EXAMPLE = "fixtures/bacalhau-compute-1.4.db"

# The files that are on the site, and their names there.
PAGES = {f"boltcli/guide/{path.name}": path.name for path in (ROOT / "boltcli" / "guide").glob("*.md")} | {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "boltcli/README.md": "architecture.md",
    "tests/README.md": "tests.md",
    ".github/CONTRIBUTING.md": "contributing.md",
    ".github/RELEASING.md": "releasing.md",
    ".github/SECURITY.md": "security.md",
    ".github/CODE_OF_CONDUCT.md": "conduct.md",
    ".github/map.svg": "map.svg",
    "boltcli/guide": "overview.md",  # the folder
}
_LINK = re.compile(r"(\]\()([^)\s#]*)(#[^)\s]*)?\)")
_LIST = re.compile(r"^(?![-*|#> ]|\d+\. )(.+)\n(?=(?:[-*]|\d+\.) )", re.MULTILINE)


def page(source: str) -> str:
    """Return the text of a page with the site's links, and a blank line before each list, as mkdocs wants it."""

    def moved(found: re.Match[str]) -> str:
        before, target, anchor = found.groups()
        if "://" in target or not target:
            return found[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if path not in PAGES:
            raise ValueError(f"{source}: {target} is not on the site")
        return f"{before}{PAGES[path]}{anchor or ''})"

    parts = re.split(r"(^```.*?^```$)", (ROOT / source).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [_LIST.sub(r"\1\n\n", _LINK.sub(moved, part)) for part in parts[::2]]
    return "".join(parts)


def api() -> str:
    """Return the page of the library: each public name, from its docstring."""
    names = {name: module for name, module in boltcli._LAZY.items() if module != "errors"}
    errors = [name for name, module in boltcli._LAZY.items() if module == "errors"]
    found = ["# API\n\nThe names of `import boltcli`; [Library](library.md) has examples.\n"]
    found += [
        f"::: boltcli.{module}.{name}\n" for name, module in sorted(names.items(), key=lambda item: item[0].lower())
    ]
    where = {name: getattr(boltcli, name).__module__ for name in sorted(errors)}
    found += [f"::: {module}.{name}\n" for name, module in where.items()]
    return "\n".join(found)


def schema() -> str:
    """Return the page of the JSON schema: what each command writes, with its fields."""
    whole = json.loads((ROOT / "boltcli" / "schema.json").read_text(encoding="utf-8"))
    found = ["# JSON schema", f"Version {whole['version']}. [schema.json](schema.json) has all of it."]
    found.append("`boltcli schema COMMAND` prints the part of one command. How to use it: [JSON](json.md).")
    for name, part in sorted(whole["$defs"].items()):
        found += [f"## {name}", part.get("description", "")]
        fields = part.get("properties", {})
        if fields:
            required = set(part.get("required", ()))
            rows = [f"| `{field}` | {_type(kind)} | {'yes' if field in required else ''} | {_cell(kind)} |"
                    for field, kind in fields.items()]  # fmt: skip
            found.append("\n".join(["| field | type | always | |", "|---|---|---|---|", *rows]))
        else:
            found.append(f"```json\n{json.dumps(part, indent=1)}\n```")
    return "\n\n".join(each for each in found if each) + "\n"


def _type(kind: dict[str, object]) -> str:
    if "$ref" in kind:
        name = str(kind["$ref"]).split("/")[2]
        return f"[{name}](#{name.lower().replace(' ', '-')})"
    types = kind.get("type", "")
    items = kind.get("items")
    if types == "array" and isinstance(items, dict) and _type(items):
        return f"array of {_type(items)}"
    if "enum" in kind:
        return ", ".join(f"`{json.dumps(value)}`" for value in kind["enum"])  # type: ignore[union-attr]
    if "const" in kind:
        return f"`{json.dumps(kind['const'])}`"
    return " or ".join(types) if isinstance(types, list) else str(types)


def _cell(kind: dict[str, object]) -> str:
    return str(kind.get("description", "")).replace("|", "\\|").replace("\n", " ")


def _boltcli(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "boltcli", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


async def _browse() -> str:
    """Return a picture of `browse` with a value open, as SVG."""

    def opened() -> Live:
        return Live(open_source(EXAMPLE, "none"))

    app = BrowseApp(Session(EXAMPLE, opened), opened())
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause(3)  # what is shown is read in a thread
        for key in ("down", "down"):
            await pilot.press(key)
        await pilot.pause(2)
        return app.export_screenshot(title="boltcli browse")


def screens() -> str:
    """Make the screenshots by the project's own commands; return their page."""
    _boltcli("report", "--force", "-o", str(SITE / "report-example.html"), EXAMPLE)
    _boltcli("map", "--svg", "--force", "-o", str(SITE / "map-example.svg"), EXAMPLE)
    picture = asyncio.run(_browse())
    # The font is that of the reader's terminal: nothing is loaded from other servers.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    (SITE / "browse-example.svg").write_text(picture, encoding="utf-8")
    return f"""# Screenshots

Made by the commands themselves, of `{EXAMPLE}`.

## browse

![boltcli browse](browse-example.svg)

## map

`boltcli map --svg -o map.svg FILE`; in a browser each cell says what it is.

![boltcli map](map-example.svg)

## report

`boltcli report -o report.html FILE` writes one file: [an example](report-example.html).

<iframe src="report-example.html" title="boltcli report" style="width: 100%; height: 40rem; border: 1px solid"></iframe>
"""


def main() -> None:
    """Write all pages anew."""
    os.chdir(ROOT)
    shutil.rmtree(SITE, ignore_errors=True)
    SITE.mkdir(parents=True)
    for source, name in PAGES.items():
        if name.endswith(".md") and source.endswith(".md"):
            (SITE / name).write_text(page(source), encoding="utf-8")
    shutil.copy(ROOT / ".github" / "map.svg", SITE)
    shutil.copy(ROOT / "boltcli" / "schema.json", SITE)
    for name, text in (("api.md", api()), ("schema.md", schema()), ("screens.md", screens())):
        (SITE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
