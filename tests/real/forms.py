"""Forms of a page as a browser sends them: what the page filled in, with what a person changes in it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser

BUTTONS = {"button", "submit", "reset", "image", "file"}


@dataclass
class Form:
    """Fields of a page, in order; a name may come more than once (`name[]`)."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    options: dict[str, dict[str, str]] = field(default_factory=dict)  # of each select: value -> text

    def get(self, name: str) -> str:
        """The (first) value of a field; "" where there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def filled(self, **values: str | int | list[int] | None) -> list[tuple[str, str]]:
        """The fields with others in their place; None leaves a field out, as an unchecked box is."""
        kept = [(name, value) for name, value in self.fields if name not in values]
        for name, value in values.items():
            if isinstance(value, list):
                kept += [(f"{name}[]", str(one)) for one in value]
            elif value is not None:
                kept.append((name, str(value)))
        return kept

    def choice(self, name: str, text: str) -> str:
        """The value that a select has for a text."""
        for value, shown in self.options.get(name, {}).items():
            if shown == text:
                return value
        raise LookupError(f"{name} offers no {text!r}")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form = Form()
        self._select = ""
        self._selected: list[str] = []
        self._multiple = False
        self._option: tuple[str, list[str]] | None = None
        self._area: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name: value or "" for name, value in attrs}
        if tag == "input":
            self._input(names)
        elif tag == "select":
            self._end_select()
            self._select, self._multiple = names.get("name", ""), "multiple" in names
            self.form.options[self._select] = {}
        elif tag == "option" and self._select:
            self._end_option()
            self._option = (names.get("value", ""), [])
            if "selected" in names:
                self._selected.append(names.get("value", ""))
        elif tag == "textarea":
            self._area = (names.get("name", ""), [])

    def handle_endtag(self, tag: str) -> None:
        if tag == "option":
            self._end_option()
        elif tag == "select":
            self._end_select()
        elif tag == "textarea" and self._area:
            name, text = self._area
            self.form.fields.append((name, "".join(text)))
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._option:
            self._option[1].append(data)
        if self._area:
            self._area[1].append(data)

    def _input(self, names: dict[str, str]) -> None:
        kind = names.get("type", "text").lower()
        if not names.get("name") or kind in BUTTONS or "disabled" in names:
            return
        if kind in ("checkbox", "radio"):
            if "checked" in names:
                self.form.fields.append((names["name"], names.get("value") or "on"))
        else:
            self.form.fields.append((names["name"], names.get("value", "")))

    def _end_option(self) -> None:
        if self._option:
            value, text = self._option
            self.form.options[self._select][value] = "".join(text).strip()
            self._option = None

    def _end_select(self) -> None:
        self._end_option()
        if self._select:
            first = [] if self._multiple else list(self.form.options[self._select])[:1]
            shown = self._selected or first
            self.form.fields += [(self._select, value) for value in shown]
        self._select, self._selected = "", []


def read_form(page: str) -> Form:
    """All fields of a page as one form: these pages have one each that matters."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.form


def multipart(fields: list[tuple[str, str]], files: dict[str, tuple[str, bytes, str]]) -> tuple[bytes, str]:
    """A multipart/form-data body and its Content-Type; files as {field: (name, content, media type)}."""
    boundary = secrets.token_hex(16)
    parts = []
    for name, value in fields:
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        )
    for name, (file_name, content, kind) in files.items():
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
