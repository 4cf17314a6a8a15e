"""The HTML report: one self-contained file, escaped throughout, drawn by Jinja2 from contexts of ``report_facts.py``.

Its content security policy allows its own script and style, by their hashes, and nothing else.
"""

import platform
import time
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files as resources
from typing import Any

from .. import __version__
from ..extras import need
from ..text.sizes import size
from ..text.times import time_text
from ..text.visible import one_line
from .report_facts import Context
from .report_words import many

_SIGNS = {"bad": "✗", "warn": "!", "good": "✓", "quiet": "○"}
_NOTHING_ELSE = "default-src 'none'; base-uri 'none'; form-action 'none'"
_NANO = 1_000_000_000


def loaded() -> Any:
    """Return the template, which :func:`page` fills in. Raises MissingExtra."""
    jinja = need("jinja2", "report", "report")
    environment = jinja.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja.StrictUndefined
    )
    environment.filters |= {"size": size, "code": _code, "number": "{:,}".format, "many": many, "time": _time}
    return environment.from_string(_file("report.html.jinja"))


def page(template: Any, files: Sequence[Context], title: str, *, values: bool) -> bytes:
    """Return the report on ``files``, contexts in the order in which they are shown."""
    css, js = _file("report.css"), _file("report.js")
    text: str = template.render(
        files=[{**file, "anchor": f"file-{number}"} for number, file in enumerate(files, 1)],
        title=one_line(title),
        version=__version__,
        values=values,
        signs=_SIGNS,
        made=time.time(),
        host=platform.node(),
        policy=f"{_NOTHING_ELSE}; script-src {_hash(js)}; style-src {_hash(css)}",
        css=_markup(css),
        js=_markup(js),
    )
    return text.encode("utf-8", "replace")


def _file(name: str) -> str:
    return (resources("boltcli.render.html") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _time(seconds: float) -> str:
    return time_text(int(seconds) * _NANO)


def _markup(text: str) -> Any:
    return need("markupsafe", "report", "report").Markup(text)


def _code(text: str) -> Any:
    """Return ``text`` escaped, what stands between backquotes in it as code."""
    parts = _markup("").escape(text).split("`")
    return _markup("").join(_markup(f"<code>{part}</code>") if at % 2 else part for at, part in enumerate(parts))
