"""An extension of griffe: docstrings are written for `pydoc`; what the site shows is Markdown."""

import re

import griffe

_ROLE = re.compile(r":(?:class|func|meth|attr|mod):`~?(?:[\w.]+\.)?(\w+)`")
_SESSION = re.compile(r"^>>> .*(?:\n(?!\n).*)*", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Makes code of Sphinx's roles, and blocks of interactive sessions."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Change the docstring of an object."""
        if obj.docstring:
            text = _ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = _SESSION.sub(lambda found: f"```pycon\n{found[0]}\n```", text)
