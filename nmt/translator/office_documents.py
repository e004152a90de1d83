"""Documents of word processors, .docx and .odt, with their text translated.

Both are zip archives of XML. Only the text of paragraphs changes, wherever they stand: in the body,
tables, text boxes, headers, footers, footnotes and endnotes. All other bytes of the XML and all
other files of the archive stay, as libraries for these formats do not promise. Comments of
reviewers, deleted text, and what fields compute, such as page numbers, are left alone.
"""

import copy
import io
import re
import zipfile
from collections import Counter
from collections.abc import Sequence

from nmt.data.sources.zip_archives import opened_archive
from nmt.files import size_text
from nmt.translator.office_paragraphs import GAP, MAIN, READERS
from nmt.translator.questions import Steps, has_words
from nmt.translator.tagged_text import AFTER_LOSS, TaggedText, escaped, translated_parts
from nmt.translator.xml_documents import codec_of, with_attributes

MOST_UNPACKED = 2**28  # bytes of all files of an archive
MOST_XML = 2**26  # of those that are read

_OLD_FORMAT = b"\xd0\xcf\x11\xe0"
_MANIFEST = "META-INF/manifest.xml"
_APPS = {"docx": "Word", "odt": "OpenDocument"}


class OfficeFiller:
    """The texts of a document. sources: of its paragraphs, cut at tabs and line breaks.

    kind: "docx" or "odt". Raises ValueError for a file that is no whole archive, is encrypted, has
    no such document, or would unpack to very much.
    """

    what = "texts translated"
    after_loss = AFTER_LOSS

    def __init__(self, content: bytes, name: str, kind: str, src_lang: str, tgt_lang: str) -> None:
        self._languages = src_lang, tgt_lang
        self._content, self._name = content, name
        self._texts: dict[str, list[TaggedText]] = {}
        self._parts: dict[str, tuple[bytes, str]] = {}  # bytes and encoding
        if not content.startswith(_OLD_FORMAT) and not zipfile.is_zipfile(io.BytesIO(content)):
            raise ValueError(f"{name} is no whole .{kind}, a zip archive: is its name right?")
        if content.startswith(_OLD_FORMAT):
            raise ValueError(
                f"{name} is of an older format or needs a password: save it as .{kind} without one"
            )
        found: set[str] = set()
        with opened_archive(io.BytesIO(content), name) as archive:
            for part in _parts_to_read(archive, name, kind):
                data = _unpacked(archive, part)
                reader = READERS[kind](data, f"{name}/{part}")
                found |= reader.found
                texts = [TaggedText(slots) for slots in reader.segments]
                self._texts[part] = [one for one in texts if has_words(one.text)]
                self._parts[part] = data, codec_of(data, reader.encoding)
        if MAIN[kind] not in found:
            raise ValueError(f"{name} holds no {_APPS[kind]} text: is its name right?")
        self.sources = [one.text for texts in self._texts.values() for one in texts]
        self.left: Counter[str] = Counter()

    def filling(self) -> Steps[tuple[bytes, int]]:
        every = [one for texts in self._texts.values() for one in texts]
        made, lost = yield from translated_parts(every, *self._languages)
        found = iter([one[0] for one in made])
        changed = {
            part: self._changed(part, [(one, next(found)) for one in texts])
            for part, texts in self._texts.items()
        }
        written = io.BytesIO()
        with (
            opened_archive(io.BytesIO(self._content), self._name) as archive,
            zipfile.ZipFile(written, "w") as target,
        ):
            for info in archive.infolist():
                data = changed.get(info.filename)
                kept = copy.copy(info)
                kept.extra = b""  # of sizes, among others, which change
                target.writestr(kept, _unpacked(archive, info.filename) if data is None else data)
            target.comment = archive.comment
        return written.getvalue(), lost

    def _changed(self, part: str, texts: Sequence[tuple[TaggedText, list[str]]]) -> bytes:
        data, codec = self._parts[part]
        changes = [
            change
            for one, made in texts
            for slot, text in zip(one.slots, made, strict=True)
            if text != slot.text
            for change in (
                (slot.start, slot.end, _with_tag(slot.form, text)),
                *((start, end, "") for start, end in slot.others),
            )
        ]
        pieces, at = [], 0
        for start, end, text in sorted(changes):
            pieces += [data[at:start], text.encode(codec, "xmlcharrefreplace")]
            at = end
        return b"".join([*pieces, data[at:]])


def _parts_to_read(archive: zipfile.ZipFile, name: str, kind: str) -> list[str]:
    """The XML files of an archive that may have text."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if _MANIFEST in names:
        _check_sizes(name, infos, {_MANIFEST})
        if b"encryption-data" in _unpacked(archive, _MANIFEST):
            raise ValueError(f"{name} needs a password: save it as .{kind} without one")
    read = r"content\.xml|styles\.xml" if kind == "odt" else r"(?i)(?!customXml/).*\.xml"
    wanted = [one for one in dict.fromkeys(names) if re.fullmatch(read, one)]
    _check_sizes(name, infos, set(wanted))
    return wanted


def _unpacked(archive: zipfile.ZipFile, part: str) -> bytes:
    """A file of an archive; no more of it than the archive says, which was checked."""
    with archive.open(part) as stream:
        return stream.read(archive.getinfo(part).file_size)


def _check_sizes(name: str, infos: Sequence[zipfile.ZipInfo], wanted: set[str]) -> None:
    unpacked = sum(info.file_size for info in infos)
    read = sum(info.file_size for info in infos if info.filename in wanted)
    for size, most, what in ((unpacked, MOST_UNPACKED, "files"), (read, MOST_XML, "XML")):
        if size > most:
            raise ValueError(
                f"{name} would unpack to {size_text(size)} of {what}, more than the"
                f" {size_text(most)} that are read: divide it, or take large pictures out"
            )


def _with_tag(tag: str, text: str) -> str:
    """The new text behind its start tag, if it has one: Word drops spaces that it does not keep."""
    if GAP in tag:
        return tag.replace(GAP, escaped(text))
    if tag and text != text.strip():
        tag = with_attributes(tag, {"xml:space": "preserve"})
    return tag + escaped(text)
