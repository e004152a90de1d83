"""Translates lines: one translation for each, in their order."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, replace
from itertools import islice, pairwise
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

# Tokens that a shorter sentence counts as. Each takes memory for its logits too, so a batch of
# thousands of one-word lines would exhaust it.
SHORTEST = 16


@dataclass(eq=False, repr=False)
class Translator:
    """Translates lines on the device where the model is. No source is truncated.

    batch_tokens: most source tokens in a batch, with padding. A sentence counts as at least 16; one
        that is longer than this is a batch of its own. The translations do not depend on it.
    longest_source: most tokens, without EOS, that the model translates at once: the longest
        source in training. None: no limit.
    precision: of matrix products, fp32 or bf16.
    src_lang, tgt_lang: language codes, "" where unknown.
    """

    model: Seq2SeqModel
    tokenizer: Tokenizer
    search: Search
    _: KW_ONLY
    batch_tokens: int = 4096
    longest_source: int | None = None
    precision: str = "fp32"
    src_lang: str = ""
    tgt_lang: str = ""

    def __post_init__(self) -> None:
        if self.longest_source is not None:
            positive_int("longest_source", self.longest_source)
        positive_int("batch_tokens", self.batch_tokens)
        one_of("precision", self.precision, ("fp32", "bf16"))
        self._term_encoder = TermEncoder(self.tokenizer, self.tgt_lang)

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
        """Loads a run directory, or an ensemble of several.

        search: how to search; beam search with its defaults if None.
        device: auto, cpu, cuda or mps.
        precision: of matrix products: fp32; bf16, where the device computes it natively; or int8
            for large weights, on an x86 CPU (``models/quantization.py``).
        trusted_packages: packages besides ``nmt`` whose classes a run may name; their code runs.

        Raises FileNotFoundError or ValueError for a directory that is no run, has no trained model
        yet or is damaged, and ValueError for runs with different tokenizers and for a precision
        that the device does not compute.
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
        """Translates each line, in order. The translation of a blank line is blank.

        terms: of each line. A translation that does not keep to them is flagged.
        nbest: how many different translations of each line to give, if search finds so many.
        align: whether to align each target word with a source word.
        split_long: whether to translate a line of more than ``longest_source`` tokens in parts,
            with a warning. Required terms prevent it: their part is unknown.
        copy_unknown: whether to replace bytes that form no characters by source text.

        The model keeps its mode, training or evaluation. Raises ValueError for a line that is no
        valid Unicode text, for a term without text, and for a search that cannot give ``nbest``
        translations or cannot keep to such terms.
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
        most = self.longest_source if split_long else None
        requests, cuts = self._requests(lines, terms, most)
        reader = Reader(self.model, self.tokenizer, nbest, align, copy_unknown)
        found = iter(self._translations(requests, reader))
        blank = replace(BLANK, alignment=() if align else None)
        separator = "" if is_written_without_spaces(self.tgt_lang) else " "
        translations = []
        for place, (line, asked) in enumerate(zip(lines, terms, strict=True)):
            if cut := cuts.get(place):
                one = join(line, cut, list(islice(found, len(cut))), separator)
            else:
                one = next(found) if line.strip() else blank
            translations.append(self._term_encoder.checked(one, asked))
        return translations

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[PairScore]:
        """Scores how likely the model finds each (source, target) pair, of any length. A pair of
        two blank lines scores 0 and has 0 tokens."""
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

    def _requests(
        self, lines: Sequence[str], terms: Sequence[Terms], most: int | None
    ) -> tuple[list[SearchRequest], dict[int, list[Part]]]:
        """The sources to search, in order, and the parts of each line of more than ``most`` tokens.
        A blank line gives no source, a long one a source for each part."""
        encode = self.tokenizer.encode_src
        requests: list[SearchRequest] = []
        cuts: dict[int, list[Part]] = {}
        whole = 0
        for place, (line, ids, asked) in enumerate(zip(lines, encode(lines), terms, strict=True)):
            sources = [ids] if line.strip() else []
            if sources and most is not None and len(ids) > most:
                if asked.require:
                    whole += 1
                else:
                    cuts[place] = parts(line, lambda text: len(encode([text])[0]), most)
                    sources = encode([part.text for part in cuts[place]])
            for source in sources:
                constraint = self._term_encoder.constraint(asked)
                requests.append(SearchRequest([*source, EOS], asked, constraint))
                asked = replace(asked, prefix="")
        said = f"of {len(lines)} lines are longer than any the model was trained on ({most} tokens)"
        if cuts:
            log.warning("%d %s: translated in parts", len(cuts), said)
        if whole:
            log.warning("%d %s: whole, for required terms", whole, said)
        return requests, cuts

    def _translations(self, requests: Sequence[SearchRequest], reader: Reader) -> list[Translation]:
        found = [BLANK] * len(requests)
        with self._evaluating():
            for batch in batches([len(request.ids) for request in requests], self.batch_tokens):
                asked = [requests[index] for index in batch]
                most = self.search.most_hypotheses if reader.nbest else 1
                hypotheses = search_batch(self.search, self.model, asked, self._term_encoder, most)
                read = reader([each.ids for each in asked], hypotheses)
                for index, translation in zip(batch, read, strict=True):
                    found[index] = translation
        return found

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        training = self.model.training
        if training:
            self.model.eval()  # visits every module, which takes time
        try:
            with autocast(next(self.model.parameters()).device, self.precision):
                yield
        finally:
            if training:
                self.model.train()


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Indices into ``lengths``, longest first, in batches of at most ``batch_tokens``."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    sizes = (max(lengths[index], SHORTEST) for index in order)
    for start, end in pairwise([0, *budget_ends(sizes, batch_tokens)]):
        yield order[start:end]
