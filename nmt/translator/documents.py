"""Documents: their texts are taken out and translated, and every other byte stays as it was.

In files of translators (PO, XLIFF, TMX), those texts are filled in that wait for a translation. A
text that has one is left alone, and so is what a person has not finished. What is filled in is
marked as made by machine, so that tools show it for review: ``fuzzy`` in PO,
``needs-review-translation`` in XLIFF 1, a ``subState`` of XLIFF 2, ``creationtool`` in TMX. In
other documents (subtitles, HTML, .docx, .odt), translations replace the texts.
"""

from collections import Counter
from pathlib import Path
from typing import Protocol

from nmt.checks import OptionError, field
from nmt.data.sources.po_entries import PoEntry, PoFile, quoted, read_po
from nmt.data.sources.unit_formats import matching
from nmt.data.text_files import opened
from nmt.files import replace_bytes
from nmt.translator.html_documents import HtmlFiller
from nmt.translator.office_documents import OfficeFiller
from nmt.translator.questions import Steps, Translate, answered, asked, lines_of
from nmt.translator.subtitles import SubtitleFiller
from nmt.translator.xml_documents import XmlFiller, is_code

_KINDS = {
    **{".po": "po", ".pot": "po", ".xlf": "xliff", ".xliff": "xliff", ".tmx": "tmx"},
    **{".srt": "srt", ".vtt": "vtt", ".html": "html", ".htm": "html"},
    **{".docx": "docx", ".odt": "odt"},
}
ENDINGS = tuple(_KINDS)
"""Of the names of documents."""


class Filler(Protocol):
    """A file whose texts can be filled in.

    sources: the texts to translate. left: why -> how many others are left alone.
    what: what becomes of the texts, for people. after_loss: what becomes of those whose translation
    lost inline markup.
    """

    sources: list[str]
    left: Counter[str]
    what: str
    after_loss: str

    def filling(self) -> Steps[tuple[bytes, int]]:
        """The file with a translation of each source, and in how many of them inline markup was
        lost or damaged."""


def kind_of(path: str | Path | None) -> str | None:
    """The kind of document that a file's name says, such as "po" or "html"; None for others."""
    name = "" if path is None else str(path).removesuffix(".gz")
    return _KINDS.get(Path(name).suffix.lower())


def open_document(path: str | Path, src_lang: str, tgt_lang: str) -> "Document":
    """Reads a document, by the ending of its name, also gzipped. Raises OSError for a file that
    cannot be read, and what ``read_document`` raises."""
    path = Path(path).expanduser()
    with opened(path) as stream:
        return read_document(stream.read(), str(path), src_lang, tgt_lang)


def read_document(content: bytes, name: str, src_lang: str, tgt_lang: str) -> "Document":
    """The document with these bytes.

    src_lang, tgt_lang: of the translator. Names that are no language codes fit any XLIFF and PO.

    Raises ValueError, naming the file, for one that is damaged, encrypted, no document of the kind
    that its name says, in other languages, or whose library is not installed.
    """
    kind = kind_of(name)
    assert kind is not None, name
    if kind == "po":
        return Document(PoFiller(read_po(content, name), tgt_lang))
    if kind in ("srt", "vtt"):
        return Document(SubtitleFiller(content, name, kind, src_lang, tgt_lang))
    if kind == "html":
        return Document(HtmlFiller(content, name, src_lang, tgt_lang))
    if kind in ("docx", "odt"):
        return Document(OfficeFiller(content, name, kind, src_lang, tgt_lang))
    return Document(XmlFiller(content, name, kind, src_lang, tgt_lang))


class Document:
    """The texts of a document.

    texts: what to translate, each without line breaks or outer white space. A text of several lines
        gives several. What has no letter outside of tags is copied.
    """

    def __init__(self, filler: Filler) -> None:
        self._filler = filler
        self.texts = lines_of(filler.sources)

    def filling(self) -> Steps[tuple[bytes, int]]:
        """The file with its texts translated, and of how many inline markup was lost or damaged.
        Where a translation loses some, it asks again."""
        return self._filler.filling()

    def write(self, translate: Translate, path: str | Path) -> int:
        """Writes the file with its texts translated, whole or not at all -> how many translations
        had damaged inline markup."""
        data, damaged = answered(self.filling(), translate)
        replace_bytes(Path(path).expanduser(), data)
        return damaged

    def described(self) -> str:
        """How many texts are filled and how many left alone, for people."""
        left = "".join(f"; {count:,} left: {why}" for why, count in self._filler.left.items())
        return f"{len(self._filler.sources):,} {self._filler.what}{left}"

    def damage(self, count: int) -> str:
        """What became of translations with damaged inline markup, for people."""
        return (
            f"inline markup was lost or out of order in {count:,} texts; {self._filler.after_loss}"
        )


def check_output(source: str | Path, target: str | Path) -> None:
    """Raises ValueError where a document cannot be written to ``target``, OSError where ``source``
    cannot be read: before long work."""
    if kind_of(target) != kind_of(source) or str(target).endswith(".gz"):
        ending = Path(str(source).removesuffix(".gz")).suffix
        raise OptionError(
            f"{field('output')} must be a file in {ending}, as the input is, got {target}"
        )
    opened(Path(source).expanduser(), packed=True).close()
    if Path(target).exists() and Path(source).expanduser().samefile(target):
        raise OptionError(
            f"{target} would be read and written at once: give {field('output')} another name"
        )


class PoFiller:
    """The entries of a PO file without a translation. In a plural the first form takes the
    translation of the singular, the others that of the plural; a single form that of the plural."""

    what = "texts without translation filled"
    after_loss = "it stays so"

    def __init__(self, po: PoFile, tgt_lang: str) -> None:
        self._po = po
        self.left: Counter[str] = Counter()
        if po.language and is_code(tgt_lang) and not matching(tgt_lang, [po.language]):
            raise ValueError(
                f"{po.name} is for {po.language}, as its header says, and the run translates into"
                f" {tgt_lang}"
            )
        self._entries = [entry for entry in po.entries if self._waits(entry)]
        self.sources = []
        for entry in self._entries:
            self.sources += [entry.source, *([] if entry.plural is None else [entry.plural])]

    def _waits(self, entry: PoEntry) -> bool:
        if entry.is_header or not entry.source.strip():
            return False
        for why, is_so in (
            ("obsolete", entry.obsolete),
            ("translated already", any(entry.targets) and not entry.fuzzy),
            ("fuzzy", entry.fuzzy),
        ):
            if is_so:
                self.left[why] += 1
                return False
        return True

    def filling(self) -> Steps[tuple[bytes, int]]:
        lines = list(self._po.lines)
        end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        made = yield from asked(self.sources)
        found = iter([one.text for one in made])
        changes: list[tuple[range, list[str]]] = []
        for entry in self._entries:
            texts = [next(found)] if entry.plural is None else self._forms(next(found), next(found))
            written = []
            for form, text in enumerate(texts):
                first, *others = quoted(text)
                name = "msgstr" if entry.plural is None else f"msgstr[{form}]"
                written += [f"{name} {first}", *others]
            changes.append((entry.targets_at, written))
            if entry.flags is None:
                changes.append((range(entry.first, entry.first), ["#, fuzzy"]))
            else:
                flags = lines[entry.flags].strip().removeprefix("#,").strip()
                changes.append((range(entry.flags, entry.flags + 1), [f"#, fuzzy, {flags}"]))
        for place, written in sorted(changes, key=lambda one: one[0].start, reverse=True):
            last = lines[place.stop - 1] if place else ""
            lines[place.start : place.stop] = [f"{line}{end}" for line in written]
            if place and not last.endswith("\n"):  # the last line of the file
                lines[place.start + len(written) - 1] = written[-1]
        text = "".join(lines)
        if self._po.is_template:
            text = text.replace("charset=CHARSET", "charset=UTF-8", 1)
        try:
            return text.encode(self._po.charset), 0
        except UnicodeEncodeError as error:
            letters = text[error.start : error.end]
            raise ValueError(
                f"{self._po.name}: its character set, {self._po.charset}, lacks {letters!r} of a"
                " translation: convert the file with msgconv --to-code=UTF-8"
            ) from None

    def _forms(self, one: str, many: str) -> list[str]:
        """The plural forms of an entry."""
        count = self._po.plural_forms or 2
        return [many] if count == 1 else [one, *[many] * (count - 1)]
