"""Lines to translations, order and count kept."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Self

from nmt.checks import non_negative_int, one_of, positive_int
from nmt.data.batches import budget_ends
from nmt.device import autocast, choose_device, choose_precision
from nmt.languages import is_written_without_spaces
from nmt.models.interface import Seq2SeqModel
from nmt.models.quantization import round_to_bf16, round_to_int8
from nmt.search.base import Search
from nmt.search.beam import BeamSearch
from nmt.tokenizer import EOS, Tokenizer
from nmt.translator.inference import SearchRequest, log_probs, search_batch
from nmt.translator.loading import load_runs
from nmt.translator.long_lines import Part, join, parts
from nmt.translator.postprocessing import Reader
from nmt.translator.terms import TermEncoder
from nmt.translator.translation import BLANK, PairScore, Terms, Translation

log = logging.getLogger(__name__)

# Memory goes with hypotheses times vocabulary too: thousands of one-word lines would exhaust it.
SHORTEST = 16


class Translator:
    """Translates lines where the model's parameters are; sources are never cut.

    batch_tokens: most source tokens, padding included, that a batch may hold, a short sentence
        being counted as 16. A longer one is a batch of its own. The text does not depend on it.
    longest_source: most tokens that the model should be given at once, EOS not counted: the
        longest source it was trained on. None: no matter how many.
    precision: of matrix products, fp32 or bf16.
    src_lang, tgt_lang: language codes, as far as known.
    """

    def __init__(
        self,
        model: Seq2SeqModel,
        tokenizer: Tokenizer,
        search: Search,
        *,
        batch_tokens: int = 4096,
        longest_source: int | None = None,
        precision: str = "fp32",
        src_lang: str = "",
        tgt_lang: str = "",
    ) -> None:
        if longest_source is not None:
            positive_int("longest_source", longest_source)
        self.model = model
        self.tokenizer = tokenizer
        self.search = search
        self.batch_tokens = positive_int("batch_tokens", batch_tokens)
        self.longest_source = longest_source
        self.precision = one_of("precision", precision, ("fp32", "bf16"))
        self.src_lang = src_lang
        self.tgt_lang = tgt_lang
        self._term_encoder = TermEncoder(tokenizer, tgt_lang)

    @classmethod
    def load(
        cls,
        run: str | Path | Sequence[str | Path],
        *,
        search: Search | None = None,
        device: str = "auto",
        precision: str = "fp32",
        batch_tokens: int = 4096,
        trusted_packages: Sequence[str] = (),
    ) -> Self:
        """The translator that a run directory holds; of several runs, their ensemble.

        search: beam search with its defaults where none is given.
        device: auto, cpu, cuda or mps.
        precision: of matrix products. fp32; bf16, where the device computes it natively; or int8,
            those of large weights, on an x86 CPU (``models.rounding``).
        trusted_packages: packages besides ``nmt`` whose classes a run may name; they run as code.

        Raises FileNotFoundError or ValueError for a directory that is no run, has no trained model
        yet, or is damaged, and ValueError for runs whose tokenizers differ and for a precision that
        the device does not compute.
        """
        one_of("precision", precision, ("fp32", "bf16", "int8"))
        place = choose_device(device)
        if precision != "int8":
            choose_precision(precision, place)
        loaded = load_runs(run, trusted_packages=trusted_packages)
        model = loaded.model.to(place).eval()
        if precision == "int8":
            round_to_int8(model)
        elif precision == "bf16":
            round_to_bf16(model)
        return cls(
            model,
            loaded.tokenizer,
            search or BeamSearch(),
            batch_tokens=batch_tokens,
            longest_source=loaded.longest_source,
            precision="fp32" if precision == "int8" else precision,
            src_lang=loaded.src_lang,
            tgt_lang=loaded.tgt_lang,
        )

    def translate(
        self,
        lines: Sequence[str],
        *,
        terms: Sequence[Terms] | None = None,
        nbest: int = 0,
        align: bool = False,
        split_long: bool = True,
        copy_unknown: bool = True,
    ) -> list[Translation]:
        """One translation a line, in order; a blank line gives a blank one.

        terms: what each line's translation must begin with, say and not say. What the search
            cannot keep to is flagged.
        nbest: how many different translations of each line to give, where the search finds so many.
        align: whether to say which source word each target word comes from.
        split_long: whether a line of more than ``longest_source`` tokens is translated in parts,
            which is logged. One with required terms is not, as nobody knows in which part they
            belong.
        copy_unknown: whether source text replaces bytes that form no characters.

        The model leaves the call in the mode, training or evaluation, in which it came. Raises
        ValueError for a line that is no valid Unicode text, for a term without text, and where the
        search cannot give ``nbest`` translations or keep to that kind of terms.
        """
        if isinstance(lines, str):
            raise ValueError(f"translate takes a list of lines, not one string: [{lines[:40]!r}]")
        if non_negative_int("nbest", nbest) > self.search.most_hypotheses:
            raise ValueError(
                f"nbest={nbest} is more than this search finds, {self.search.most_hypotheses}: "
                f"raise its beam_size, or its samples where it draws them"
            )
        terms = [Terms()] * len(lines) if terms is None else terms
        if len(terms) != len(lines):
            raise ValueError(f"{len(lines)} lines need one Terms each, got {len(terms)}")
        encoded = self.tokenizer.encode_src(lines)
        cuts = self._cuts(lines, encoded, terms) if split_long else {}
        requests = list(self._requests(lines, encoded, terms, cuts))
        reader = Reader(self.model, self.tokenizer, nbest, align, copy_unknown)
        found: list[list[Translation]] = [[] for _ in lines]
        for request, one in zip(requests, self._translations(requests, reader), strict=True):
            found[request.place].append(one)
        blank = replace(BLANK, alignment=() if align else None)
        separator = "" if is_written_without_spaces(self.tgt_lang) else " "
        for place, cut in cuts.items():
            found[place] = [join(lines[place], cut, found[place], separator)]
        return [
            self._term_encoder.checked(of_line[0] if of_line else blank, of_terms)
            for of_line, of_terms in zip(found, terms, strict=True)
        ]

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[PairScore]:
        """How likely the model finds each (source, target) pair, whatever its length.

        A pair of two blank lines, which the model never sees, scores 0 and has 0 tokens.
        """
        scores = [PairScore(0.0, 0)] * len(pairs)
        places = [place for place, pair in enumerate(pairs) if "".join(pair).strip()]
        src = self.tokenizer.encode_src([pairs[place][0] for place in places])
        tgt = self.tokenizer.encode_tgt([pairs[place][1] for place in places])
        lengths = [max(len(x), len(y)) + 1 for x, y in zip(src, tgt, strict=True)]
        with self._evaluating():
            for batch in batches(lengths, self.batch_tokens):
                found = log_probs(self.model, [(src[index], tgt[index]) for index in batch])
                for index, log_prob in zip(batch, found, strict=True):
                    scores[places[index]] = PairScore(log_prob, len(tgt[index]) + 1)
        return scores

    def _cuts(
        self, lines: Sequence[str], encoded: Sequence[Sequence[int]], terms: Sequence[Terms]
    ) -> dict[int, list[Part]]:
        """The parts of those lines that are translated in parts."""
        most = self.longest_source
        if most is None:
            return {}
        long = [p for p, line in enumerate(lines) if len(encoded[p]) > most and line.strip()]
        cuts = {p: parts(lines[p], self._count, most) for p in long if not terms[p].require}
        said = f"of {len(lines)} lines are longer than any the model was trained on ({most} tokens)"
        if cuts:
            log.warning("%d %s: translated in parts", len(cuts), said)
        if len(cuts) < len(long):
            log.warning("%d %s: whole, for required terms", len(long) - len(cuts), said)
        return cuts

    def _count(self, text: str) -> int:
        return len(self.tokenizer.encode_src([text])[0])

    def _requests(
        self,
        lines: Sequence[str],
        encoded: Sequence[list[int]],
        terms: Sequence[Terms],
        cuts: Mapping[int, Sequence[Part]],
    ) -> Iterator[SearchRequest]:
        """What is to be searched, in order: nothing for a blank line, several parts of others."""
        for place, line in enumerate(lines):
            if not line.strip():
                continue
            sources = [encoded[place]]
            if place in cuts:
                sources = self.tokenizer.encode_src([part.text for part in cuts[place]])
            asked = terms[place]
            for ids in sources:
                yield SearchRequest(place, [*ids, EOS], asked, self._term_encoder.constraint(asked))
                asked = replace(asked, prefix="")

    def _translations(self, requests: Sequence[SearchRequest], reader: Reader) -> list[Translation]:
        found = [BLANK] * len(requests)
        with self._evaluating():
            for batch in batches([len(request.ids) for request in requests], self.batch_tokens):
                asked = [requests[index] for index in batch]
                most = self.search.most_hypotheses if reader.nbest else 1
                hypotheses = search_batch(self.search, self.model, asked, self._term_encoder, most)
                for index, one in zip(
                    batch, reader([each.ids for each in asked], hypotheses), strict=True
                ):
                    found[index] = one
        return found

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        training = self.model.training
        if training:
            self.model.eval()  # visits every module, which one short sentence would notice
        device = next(self.model.parameters()).device
        try:
            with autocast(device, self.precision):
                yield
        finally:
            if training:
                self.model.train()


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Indices into ``lengths``, longest first, as many at once as ``batch_tokens`` holds."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    sizes = (max(lengths[index], SHORTEST) for index in order)
    for start, end in pairwise([0, *budget_ends(sizes, batch_tokens)]):
        yield order[start:end]
