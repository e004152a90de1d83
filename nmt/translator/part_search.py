"""Searches for the translations of the parts of lines: once, and again where something is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice

from nmt.models.interface import Seq2SeqModel
from nmt.parallel import at_once, side_by_side
from nmt.search.base import Search, SearchBase
from nmt.search.beam import BeamSearch
from nmt.tokenizer import EOS
from nmt.translator.glossary import Requirement
from nmt.translator.inference import SearchRequest, batches, likeliest_sources, search_batch
from nmt.translator.line_plan import LinePlan, PlannedPart
from nmt.translator.parts import join
from nmt.translator.postprocessing import Reader
from nmt.translator.terms import TermEncoder, ignoring_case, placed, terms_of_parts
from nmt.translator.translation import BLANK, COPY, FAULTS, Terms, Translation

MOST_RETRIES = 2  # times that a doubtful part is cut smaller

Asked = tuple[PlannedPart, Terms]
"""A part of a line, and the terms that its translation must keep to."""


@dataclass(frozen=True)
class PartSearch:
    """Finds the translations of parts in batches of at most ``batch_tokens``."""

    model: Seq2SeqModel
    search: Search
    batch_tokens: int
    term_encoder: TermEncoder
    plan: LinePlan
    reader: Reader

    def with_terms(self, parts: Sequence[PlannedPart], terms: Terms) -> list[Asked]:
        """Each part of a line with the terms that its translation must keep to."""
        own = terms_of_parts(
            terms,
            [part.part.text for part in parts],
            self.plan.src_lang,
            read=[part.source is not None for part in parts],
            in_capitals=[part.source is not None and part.source.case != "" for part in parts],
        )
        return list(zip(parts, own, strict=True))

    def __call__(self, asked: Sequence[Asked], retries: int = MOST_RETRIES) -> list[Translation]:
        """A translation of each part. A doubtful one is replaced by that of smaller parts if less
        is wrong with it."""
        found = self._with_spans(asked)
        if not retries or not self.plan.tries_again:
            return found
        smaller: dict[int, list[Asked]] = {}
        for place, (one, (part, terms)) in enumerate(zip(found, asked, strict=True)):
            # What is required of a part because of its source has its place in a smaller one.
            placed = all(isinstance(each, Requirement) and each.term for each in terms.require)
            if FAULTS & set(one.flags) and placed and (pieces := self.plan.smaller(part)):
                smaller[place] = self.with_terms(pieces, replace(terms, require=()))
        if not smaller:
            return found
        again = iter(self([part for cut in smaller.values() for part in cut], retries - 1))
        for place, cut in smaller.items():
            joined = self._join(asked[place][0].part.text, cut, list(islice(again, len(cut))))
            if len(FAULTS & set(joined.flags)) < len(FAULTS & set(found[place].flags)):
                found[place] = joined
        return found

    def joined(
        self, line: str, terms: Terms, asked: Sequence[Asked], found: Sequence[Translation]
    ) -> Translation:
        """The translation of a line from those of its parts. What the line must have and has not
        is required of one of them."""
        if any(part.source is not None and part.source.case for part, _ in asked):
            terms = ignoring_case(terms)
        one = self._join(line, asked, found) if asked else self.reader.blank()
        if len(asked) > 1 and (lacking := self.term_encoder.lacking(terms, one.text)):
            one = self._join(line, asked, self._placed(lacking, asked, found))
        return self.term_encoder.checked(one, terms)

    def _join(self, line: str, asked: Sequence[Asked], found: Sequence[Translation]) -> Translation:
        if len(asked) == 1:
            return found[0]
        parts = [planned.part for planned, _ in asked]
        return join(line, parts, found, src_lang=self.plan.src_lang, tgt_lang=self.plan.tgt_lang)

    def _placed(
        self,
        lacking: Sequence[Requirement],
        asked: Sequence[Asked],
        found: Sequence[Translation],
    ) -> list[Translation]:
        read = [place for place, (part, _) in enumerate(asked) if part.source is not None]

        def likeliest(one: Requirement) -> list[int]:
            sources = [asked[place][0].ids for place in read]
            phrases = [self.term_encoder.usual(form) for form in one.forms]
            return [read[row] for row in likeliest_sources(self.model, sources, phrases)]

        def translate(again: Sequence[tuple[int, Terms]]) -> list[Translation]:
            return self([(asked[place][0], terms) for place, terms in again], retries=0)

        terms = [own for _, own in asked]
        sizes = [len(part.ids) for part, _ in asked]
        return placed(lacking, terms, found, sizes, likeliest, translate)

    def _with_spans(self, asked: Sequence[Asked]) -> list[Translation]:
        """Translates each part. Where a span is lost, search is told to keep them all."""
        requests = {
            place: SearchRequest(
                [*part.ids, EOS], terms, self.term_encoder.constraint(terms), part.source.restored
            )
            for place, (part, terms) in enumerate(asked)
            if part.source is not None
        }
        raw = self._searched(self.search, requests)
        found = [
            self._read(asked[place], raw[place])
            if place in raw
            else self.plan.copied(part, self.reader)
            for place, (part, _) in enumerate(asked)
        ]
        lost = {
            place: self._requiring_spans(asked[place][0], requests[place])
            for place, one in raw.items()
            if not self.plan.holds_all(asked[place][0], one)
        }
        for place, one in self._searched(self._beam_search, lost).items():
            better = self._read(asked[place], one)
            if COPY not in better.flags:
                found[place] = better
        return found

    @property
    def _beam_search(self) -> BeamSearch:
        """Beam search alone can be told what a translation must have; it keeps to the limits of the
        search that was chosen."""
        if isinstance(self.search, BeamSearch):
            return self.search
        shared = fields(SearchBase) if isinstance(self.search, SearchBase) else ()
        return BeamSearch(**{one.name: getattr(self.search, one.name) for one in shared})

    def _read(self, asked: Asked, raw: Translation) -> Translation:
        part, terms = asked
        return self.term_encoder.checked(self.plan.read(part, raw), terms)

    def _requiring_spans(self, part: PlannedPart, request: SearchRequest) -> SearchRequest:
        """The request, with the placeholder of every span as something to be required."""
        assert part.source is not None
        tokenizer = self.reader.tokenizer
        wanted = tokenizer.placeholders[: len(part.source.spans)]
        ids = tokenizer.encode_tgt(wanted, placeholders=True)
        require = (*request.constraint.require, *((row[-1],) for row in ids))
        return replace(request, constraint=replace(request.constraint, require=require))

    def _searched(
        self, search: Search, requests: dict[int, SearchRequest]
    ) -> dict[int, Translation]:
        """What search finds for each request, as the model wrote it."""
        found = dict.fromkeys(requests, BLANK)
        places = list(requests)
        lengths = [len(request.ids) for request in requests.values()]
        most = search.most_hypotheses if self.reader.nbest else 1

        def translated(batch: Sequence[int]) -> list[Translation]:
            own = [requests[places[index]] for index in batch]
            hypotheses = search_batch(search, self.model, own, self.term_encoder, most)
            return self.reader([request.ids for request in own], hypotheses)

        number = at_once(next(self.model.parameters()).device)
        shares = list(batches(lengths, self.batch_tokens, number))
        for batch, read in zip(shares, side_by_side(translated, shares, number), strict=True):
            found.update(zip((places[index] for index in batch), read, strict=True))
        return found
