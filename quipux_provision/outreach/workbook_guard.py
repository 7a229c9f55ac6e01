"""What a returned workbook must be before a library for spreadsheets sees it.

It comes by mail, from anybody. Bounds are checked on the archive's directory first, then on each part as it
is unpacked, then on the XML as a stream; what passes is packed anew, XML parts alone.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from defusedxml import DefusedXmlException
from defusedxml.sax import parseString

from quipux_provision.i18n import _
from quipux_provision.outreach.workbook_model import CellProblem

MAX_FILE = 1024 * 1024
MAX_UNPACKED = 20 * 1024 * 1024
MAX_RATIO = 100
MAX_PARTS = 200
MAX_ELEMENTS = 250_000
MAX_DEPTH = 64
# Below this size even a part of blanks does no harm, and empty sheets pack very well.
_RATIO_FROM = 512 * 1024

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""")
_SAFE_LINK = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_AUTOMATIC_NAME = re.compile(r"(_xlnm\.)?auto_", re.IGNORECASE)


class Refused(Exception):
    """The file as a whole is not acceptable.

    :ivar problem: what is wrong with it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        again = _("open it in LibreOffice or Excel, save it as .xlsx and send it again")
        self.problem = CellProblem("", "", message, hint or again)


@dataclass
class Package:
    """A workbook of bounded size, without macros, entities and links.

    :ivar content: the XML parts of the file alone, as a new archive.
    :ivar formulas: cells with a formula, by part.
    :ivar merges: ranges of merged cells, by part.
    """

    content: BytesIO = field(default_factory=BytesIO)
    formulas: dict[str, list[str]] = field(default_factory=dict)
    merges: dict[str, list[str]] = field(default_factory=dict)


def check(content: bytes) -> Package:
    """Return what of *content* may be read.

    :raises Refused: the file is no workbook, or a dangerous one.
    """
    _check_kind(content)
    try:
        with ZipFile(BytesIO(content)) as archive:
            return _package(archive)
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, RuntimeError):
        raise Refused(_("the file is damaged or cut short: it can't be unpacked")) from None


def _check_kind(content: bytes) -> None:
    if len(content) > MAX_FILE:
        raise Refused(
            _("the file is larger than 1 MiB"),
            _("take out pictures and copied sheets; send files of evidence apart"),
        )
    if content.startswith(_OLE):
        if _ENCRYPTED in content:
            raise Refused(
                _("the workbook is locked with a password"), _("save it without a password to open it")
            )
        raise Refused(_("the file is in the old format of Excel (.xls)"))
    if not content.startswith(b"PK"):
        raise Refused(_("the file is not an Excel workbook (.xlsx)"))


def _package(archive: ZipFile) -> Package:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    _check_directory(entries)
    _check_parts(archive, names)
    package = Package()
    budget = _Budget()
    with ZipFile(package.content, "w", ZIP_STORED) as target:
        for entry in entries:
            part = archive.read(entry)  # no more than the directory says, and its checksum with it
            if not entry.filename.lower().endswith((".xml", ".rels")):
                continue
            _check_xml(entry.filename, part, package, budget)
            target.writestr(entry.filename, part)
    package.content.seek(0)
    return package


def _check_directory(entries: list[ZipInfo]) -> None:
    if len(entries) > MAX_PARTS:
        raise Refused(
            _("the file has {count} parts; a workbook has a few").format(count=len(entries)),
        )
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise Refused(_("the workbook is locked with a password"), _("save it without a password to open it"))
    folded = [entry.filename.lower() for entry in entries]
    if len(set(folded)) != len(folded):
        raise Refused(_("the file has two parts with one name"))
    for entry in entries:
        if not re.fullmatch(r"[ -\[\]-~]+", entry.filename) or ".." in entry.filename:
            raise Refused(_("the file has a part with a name that no workbook has"))
        if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            raise Refused(_("the file is packed in a way that no workbook is"))
        if entry.file_size > max(_RATIO_FROM, entry.compress_size * MAX_RATIO):
            raise Refused(_("the file unpacks to far more than it holds"))
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Refused(_("the file unpacks to far more than it holds"))


def _check_parts(archive: ZipFile, names: list[str]) -> None:
    if "mimetype" in names and b"opendocument" in archive.read("mimetype"):
        raise Refused(_("the file is in the format of LibreOffice (.ods), not .xlsx"))
    if "xl/workbook.bin" in names:
        raise Refused(_("the file is a binary workbook (.xlsb)"))
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise Refused(_("the file is not an Excel workbook (.xlsx)"))
    for name in names:
        for pattern, what in _forbidden():
            if re.match(pattern, name, re.IGNORECASE):
                raise Refused(
                    _("the workbook holds {what}").format(what=what),
                    _("fill in the workbook that came with the mail, and add nothing to it"),
                )


def _forbidden() -> Iterator[tuple[str, str]]:
    yield r".*vba|xl/(macrosheets|dialogsheets)/|customUI/", _("macros")
    yield (
        r"xl/(externalLinks/|connections\.xml|queryTables/|model/|webextensions/)",
        _("links to other files"),
    )
    yield r"xl/(embeddings|activeX|ctrlProps)/", _("embedded objects")
    yield r"(?!xl/printerSettings/).*\.bin$", _("binary parts")


@dataclass
class _Budget:
    """What is left. Formats and names are few and short, for openpyxl's patterns are slow on long ones."""

    elements: int = MAX_ELEMENTS
    formats: int = 1000
    names: int = 100

    def check(self, length: int = 0, depth: int = 0) -> None:
        if min(self.elements, self.formats, self.names) < 0 or length > 1024 or depth > MAX_DEPTH:
            raise Refused(
                _("the workbook holds far more than was sent"),
                _("fill in the workbook that came with the mail, and add nothing to it"),
            )


def _check_xml(name: str, part: bytes, package: Package, budget: _Budget) -> None:
    encoding = _ENCODING.match(part.removeprefix(b"\xef\xbb\xbf"))
    declared = encoding[1].lower() if encoding else b"utf-8"
    if declared not in {b"utf-8", b"us-ascii"} or b"\0" in part:
        raise Refused(_("the workbook has a part that is not in UTF-8"))
    handler = _Part(name, package, budget)
    try:
        parseString(part, handler, forbid_dtd=True)
    except DefusedXmlException:
        raise Refused(_("the workbook has a document type or entities, which no workbook has")) from None
    except (SAXException, UnicodeError):
        raise Refused(_("the file is damaged: {part} is not XML").format(part=name)) from None


class _Part(ContentHandler):
    """Count the elements of one part, and note what nobody may put into a workbook."""

    def __init__(self, name: str, package: Package, budget: _Budget) -> None:
        super().__init__()
        self._name = name
        self._package = package
        self._budget = budget
        self._depth = 0
        self._element = ""
        self._cell: str | None = None
        self._text = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        self._depth += 1
        self._budget.elements -= 1
        self._budget.check(depth=self._depth)
        self._element = name.rpartition(":")[2]
        match self._element:
            case "c":
                self._cell = attrs.get("r", "")
            case "f" if self._cell is not None:  # others belong to charts and conditional formats
                self._package.formulas.setdefault(self._name, []).append(self._cell)
            case "mergeCell":
                self._package.merges.setdefault(self._name, []).append(attrs.get("ref", ""))
            case "Override" | "Default" if "macro" in attrs.get("ContentType", "").lower():
                raise Refused(
                    _("the workbook holds {what}").format(what=_("macros")),
                    _("save it as .xlsx, without macros"),
                )
            case "definedName":
                self._budget.names -= 1
                self._text = 0
                if _AUTOMATIC_NAME.match(attrs.get("name", "")):
                    raise Refused(_("the workbook holds {what}").format(what=_("macros")))
            case "numFmt":
                self._budget.formats -= 1
                self._budget.check(len(attrs.get("formatCode", "")))
            case "Relationship":
                self._check_relationship(attrs)

    def endElement(self, name: str) -> None:  # noqa: N802
        self._depth -= 1
        self._element = ""
        if name.rpartition(":")[2] == "c":
            self._cell = None

    def characters(self, content: str) -> None:
        if self._element == "definedName":
            self._text += len(content)
            self._budget.check(self._text)

    def _check_relationship(self, attrs: AttributesImpl) -> None:
        if attrs.get("TargetMode", "").lower() != "external":
            return
        hyperlink = attrs.get("Type", "").endswith("/hyperlink")
        if not (hyperlink and _SAFE_LINK.match(attrs.get("Target", ""))):
            raise Refused(
                _("the workbook holds {what}").format(what=_("links to other files")),
                _("take the links out and write the name of the file as text"),
            )
