"""From a line to the parts that the model reads, and from its output to the line's translation."""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property

from nmt.data.cleaning import as_single_line
from nmt.data.statistics import TextStatistics
from nmt.languages import is_written_without_spaces
from nmt.text.spans import Protection, has_letters
from nmt.text.variants import lower
from nmt.tokenizer import Tokenizer
from nmt.translator.flags import flags_of, implausible_length, lacks_words
from nmt.translator.model_text import ModelText, case_of, model_text, together
from nmt.translator.parts import Cutting, Part, parts
from nmt.translator.postprocessing import Reader
from nmt.translator.translation import FLAGS, LENGTH, Alternative, Translation


@dataclass(frozen=True)
class PlannedPart:
    """A part of a line on its way through the model.

    source: None for a part that is copied. ids: of the source, without EOS.
    """

    part: Part
    source: ModelText | None
    ids: Sequence[int]


@dataclass(frozen=True)
class LinePlan:
    """Cuts lines into parts, prepares the parts for the model, and reads its output.

    statistics: of the training text; None for a run that was saved without them, whose lines are
        cut only if they are longer than any in training.
    sentences, protection, source_prefix: see ``Translator.translate``.
    """

    tokenizer: Tokenizer
    _: KW_ONLY
    statistics: TextStatistics | None
    longest_source: int | None
    sentences: str
    protection: Protection | None
    source_prefix: str
    src_lang: str
    tgt_lang: str

    @cached_property
    def cutting(self) -> Cutting:
        known = self.statistics
        return Cutting(
            self.src_lang,
            self.sentences,
            known.most_sentences if known else None,
            known.usual_tokens if known else self.longest_source,
            self.longest_source,
            *([self.protection.find] if self.protection else []),
        )

    @property
    def tries_again(self) -> bool:
        """Whether a doubtful part is translated once more, cut smaller."""
        return self.statistics is not None and self.sentences != "line"

    def __call__(self, lines: Sequence[str]) -> list[list[PlannedPart]]:
        """The parts of each line, in order; none of a blank line. Raises ValueError for a line that
        is no valid Unicode text."""
        counts = [len(ids) for ids in self.tokenizer.encode_src(list(map(self._as_read, lines)))]
        return [
            list(self._planned(line, tokens)) for line, tokens in zip(lines, counts, strict=True)
        ]

    def smaller(self, planned: PlannedPart) -> list[PlannedPart]:
        """The part cut once more, its pieces placed in the part's own text; [] if it is too short
        for that."""
        assert planned.source is not None
        text, tag = planned.part.text, planned.source.tag
        cut = self.cutting.smaller(text, len(planned.ids), self._count)
        if any(self._is_inside(text, part.start) for part in cut[1:]):
            return []
        return [self._prepared(part, tag) for part in cut] if len(cut) > 1 else []

    def _is_inside(self, text: str, place: int) -> bool:
        """Whether a word, or a span to be copied, goes on at this place."""
        within = not text[place - 1].isspace() and not text[place].isspace()
        if within and not is_written_without_spaces(self.src_lang):
            return True
        spans = self.protection.find(text) if self.protection else []
        return any(span.start < place < span.end for span in spans)

    def read(self, planned: PlannedPart, found: Translation) -> Translation:
        """The translation of a part: with its spans, and flagged. found: what the model gave."""
        nbest: dict[str, Alternative] = {}
        for one in found.nbest:
            read = self._read(planned, one)
            nbest.setdefault(read.text, read)
        best = self._read(planned, found)
        return Translation(**vars(best), nbest=tuple(nbest.values()))

    def holds_all(self, planned: PlannedPart, found: Translation) -> bool:
        """Whether what the model gave has every span of the part."""
        return planned.source is None or planned.source.holds_all(found.text)

    def copied(self, planned: PlannedPart, reader: Reader) -> Translation:
        """The translation of a part that the model does not read."""
        text = planned.part.text.strip()
        units = range(len(_units(text, self.src_lang)))
        one = Alternative(
            text=text,
            score=0.0,
            tokens=0,
            alignment=tuple(zip(units, units, strict=True)) if reader.align else None,
            confidence=(1.0,) * len(_units(text, self.tgt_lang)) if reader.confidence else None,
        )
        return Translation(**vars(one), nbest=(one,) if reader.nbest else ())

    def _planned(self, line: str, tokens: int) -> Iterator[PlannedPart]:
        tag, start = self._tag(line)
        text = line[start:]
        cut = self.cutting(text, tokens, self._count)
        if len(cut) == 1 and cut[0].text == text.strip():
            cut = [Part(0, text, tokens)]  # spaces around it may mean something to the model
        for part in cut:
            for small in self._with_few_spans(part):
                yield self._prepared(replace(small, start=start + small.start), tag)

    def _with_few_spans(self, part: Part) -> list[Part]:
        """The part, or smaller ones of which each has no more spans than there are placeholders."""
        protection, most = self.protection, len(self.tokenizer.placeholders)
        if self.sentences == "line" or protection is None or not most:
            return [part]

        def count(text: str) -> int:
            return len(together(protection.find(text)))

        if count(part.text) <= most:
            return [part]
        small = parts(part.text, count, most, part.start, protection.find)
        return [replace(one, tokens=self._count(one.text)) for one in small]

    def _prepared(self, part: Part, tag: str) -> PlannedPart:
        if self.protection and not has_letters(part.text):
            return PlannedPart(part, None, ())
        text = as_single_line(part.text)
        assert text is not None, "encoded before"
        source = model_text(
            # What is to be copied keeps its case; encoding makes the rest small.
            replace(self.tokenizer.normalization, lowercase=False).source(text),
            tag=tag,
            protection=self.protection,
            placeholders=self.tokenizer.placeholders,
            lower_case=self._lowers,
            src_lang=self.src_lang,
            tgt_lang=self.tgt_lang,
        )
        if source.is_spans:
            return PlannedPart(part, None, ())
        (ids,) = self.tokenizer.encode_src([tag + source.masked], placeholders=True)
        return PlannedPart(part, source, ids)

    def _tag(self, line: str) -> tuple[str, int]:
        """What goes before every part of the line, and where the text itself begins."""
        first, _, _ = line.lstrip().partition(" ")
        known = (self.source_prefix,) if self.source_prefix else self._learnt_prefixes
        if first and first in known:
            start = line.index(first) + len(first)
            return first + " ", start + len(line[start:]) - len(line[start:].lstrip())
        return (self.source_prefix + " " if self.source_prefix else ""), 0

    @property
    def _learnt_prefixes(self) -> tuple[str, ...]:
        return self.statistics.source_prefixes if self.statistics else ()

    def _count(self, text: str) -> int:
        return len(self.tokenizer.encode_src([self._as_read(text)])[0])

    @property
    def _lowers(self) -> bool:
        return self.tokenizer.normalization.scheme == "standard"

    def _as_read(self, text: str) -> str:
        """In small letters if the model reads it so: capitals have several times as many tokens."""
        return lower(text, self.src_lang) if self._lowers and case_of(text) else text

    def _read(self, planned: PlannedPart, one: Alternative) -> Alternative:
        source = planned.source
        assert source is not None
        text = source.restored(one.text)
        flags = {
            *one.flags,
            *implausible_length(self.statistics, len(planned.ids), one.tokens),
            *([LENGTH] if lacks_words(source.text, text, self.protection) else []),
            *flags_of(
                source.text,
                text,
                protection=self.protection,
                src_lang=self.src_lang,
                tgt_lang=self.tgt_lang,
            ),
        }
        ordered = tuple(flag for flag in FLAGS if flag in flags)
        links, confidence = one.alignment, one.confidence
        return Alternative(
            text,
            one.score,
            one.tokens,
            ordered,
            alignment=None if links is None else source.links(links, one.text),
            confidence=None if confidence is None else source.confidence(confidence, one.text),
        )


def _units(text: str, language: str) -> Sequence[str]:
    """The words, or the characters where the language is written without spaces."""
    return "".join(text.split()) if is_written_without_spaces(language) else text.split()
