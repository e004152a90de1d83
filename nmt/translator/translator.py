"""Translates lines: one translation for each, in their order."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from itertools import islice
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from nmt.checks import non_negative_int, one_of, positive_int
from nmt.data.statistics import TextStatistics
from nmt.device import autocast, choose_device, choose_precision, translation_tokens
from nmt.languages import is_written_without_spaces
from nmt.models.interface import Seq2SeqModel
from nmt.models.quantization import fastest_precision, pack, round_to_bf16, round_to_int8
from nmt.search.base import Search
from nmt.search.beam import BeamSearch
from nmt.text.spans import Protection
from nmt.tokenizer import EOS, Tokenizer
from nmt.translator.forced_decoding import AttendedPair, attend_pairs, word_importance, words_of
from nmt.translator.inference import batches, log_probs
from nmt.translator.line_plan import LinePlan
from nmt.translator.loading import load_runs
from nmt.translator.next_words import NextWord, next_words
from nmt.translator.part_search import PartSearch
from nmt.translator.parts import SENTENCES
from nmt.translator.postprocessing import Reader
from nmt.translator.terms import TermEncoder, check_search
from nmt.translator.translation import PairScore, Terms, Translation

PROTECTION = Protection()


@dataclass(eq=False, repr=False)
class Translator:
    """Translates lines on the device where the model is. No source is truncated.

    batch_tokens: most source tokens that are translated at once, with padding; None: what suits the
        device. On a CPU they are several batches, side by side. A sentence counts as at least 16;
        one that is longer than this is a batch of its own. The translations do not depend on it.
    longest_source: most tokens, without EOS, that the model translates at once: the longest
        source in training. None: no limit.
    statistics: of the training text, which say where to cut lines; None where unknown.
    precision: of matrix products, fp32 or bf16.
    src_lang, tgt_lang: language codes, "" where unknown.
    """

    model: Seq2SeqModel
    tokenizer: Tokenizer
    search: Search
    _: KW_ONLY
    batch_tokens: int | None = None
    longest_source: int | None = None
    statistics: TextStatistics | None = None
    precision: str = "fp32"
    src_lang: str = ""
    tgt_lang: str = ""

    def __post_init__(self) -> None:
        if self.longest_source is not None:
            positive_int("longest_source", self.longest_source)
        if self.batch_tokens is not None:
            positive_int("batch_tokens", self.batch_tokens)
        self._batch_tokens = self.batch_tokens or translation_tokens(self.device)
        one_of("precision", self.precision, ("fp32", "bf16"))
        self._term_encoder = TermEncoder(self.tokenizer, self.tgt_lang)

    @classmethod
    def load(
        cls,
        run: str | Path | Sequence[str | Path],
        *,
        search: Search | None = None,
        device: str = "auto",
        precision: str = "auto",
        batch_tokens: int | None = None,
        trusted_packages: Sequence[str] = (),
    ) -> Self:
        """Loads a run directory, one on the Hugging Face hub, ``hub:OWNER/NAME``, or an ensemble of
        several.

        search: how to search; beam search with its defaults if None.
        device: auto, cpu, cuda or mps.
        precision: of matrix products: fp32; bf16, where the device computes it natively; int8 for
            large weights, on an x86 CPU; or auto, the fastest of them by a fixed rule
            (``models/quantization.py``).
        trusted_packages: packages besides ``nmt`` whose classes a run may name; their code runs.

        Raises FileNotFoundError or ValueError for a directory that is no run, has no trained model
        yet or is damaged, OSError for one that cannot be had from the hub, and ValueError for runs
        with different tokenizers and for a precision that the device does not compute.
        """
        one_of("precision", precision, ("auto", "fp32", "bf16", "int8"))
        place = choose_device(device)
        if precision in ("fp32", "bf16"):
            choose_precision(precision, place)
        loaded = load_runs(run, trusted_packages=trusted_packages)
        model = loaded.model.to(place).eval()
        if precision == "auto":
            precision = fastest_precision(model, place)
        if precision == "int8":
            round_to_int8(model)
        elif precision == "bf16":
            round_to_bf16(model)
        pack(model)
        return cls(
            model,
            loaded.tokenizer,
            search or BeamSearch(),
            batch_tokens=batch_tokens,
            longest_source=loaded.longest_source,
            statistics=loaded.statistics,
            precision="fp32" if precision == "int8" else precision,
            src_lang=loaded.src_lang,
            tgt_lang=loaded.tgt_lang,
        )

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @property
    def lines_at_once(self) -> int:
        """How many lines are to be given at once, so that batches are full and of like lengths."""
        return max(1024, self._batch_tokens // 4)

    @property
    def tokens_at_once(self) -> int:
        """Most source tokens that the model is given at once."""
        return self._batch_tokens

    def translate(
        self,
        lines: Sequence[str],
        *,
        terms: Sequence[Terms] | None = None,
        nbest: int = 0,
        align: bool = False,
        confidence: bool = False,
        sentences: str = "auto",
        protection: Protection | None = PROTECTION,
        source_prefix: str = "",
        copy_unknown: bool = True,
    ) -> list[Translation]:
        """Translates each line, in order. The translation of a blank line is blank.

        terms: of each line. A translation that does not keep to them is flagged.
        nbest: how many different translations of each line to give, if search finds so many.
        align: whether to align the words of both sides, as ``READING`` of word_alignment.py has it.
        confidence: whether to say how sure the model is of each target word.
        sentences: "auto" cuts a line at ends of sentences if it has more of them than training
            lines had, or is longer than nearly all of these were, and translates a doubtful part
            once more, cut smaller. "split" cuts at every end of a sentence, "line" nowhere.
        protection: the spans that must be copied as they are; text without a letter is copied too.
            None: the model translates everything.
        source_prefix: goes before every line and every part of one, such as "<2es>". Prefixes that
            all lines had in training need not be named.
        copy_unknown: whether to replace bytes that form no characters by source text.

        The model keeps its mode, training or evaluation. Raises ValueError for a line that is no
        valid Unicode text, for a term without text, and for a search that cannot give ``nbest``
        translations or cannot keep to such terms.
        """
        if isinstance(lines, str):
            raise ValueError(f"translate takes a list of lines, not one string: [{lines[:40]!r}]")
        one_of("sentences", sentences, SENTENCES)
        if non_negative_int("nbest", nbest) > self.search.most_hypotheses:
            raise ValueError(
                f"nbest={nbest} is more than this search finds, {self.search.most_hypotheses}: "
                f"raise its beam_size, or its samples where it draws them"
            )
        terms = [Terms()] * len(lines) if terms is None else terms
        if len(terms) != len(lines):
            raise ValueError(f"{len(lines)} lines need one Terms each, got {len(terms)}")
        check_search(self.search, terms)
        plan = LinePlan(
            self.tokenizer,
            statistics=self.statistics,
            longest_source=self.longest_source,
            sentences=sentences,
            protection=protection,
            source_prefix=source_prefix.strip(),
            src_lang=self.src_lang,
            tgt_lang=self.tgt_lang,
        )
        options = (nbest, align, copy_unknown, confidence, self.src_lang, self.tgt_lang)
        reader = Reader(self.model, self.tokenizer, *options)
        encoder = self._term_encoder
        find = PartSearch(self.model, self.search, self._batch_tokens, encoder, plan, reader)
        asked = [find.with_terms(cut, own) for cut, own in zip(plan(lines), terms, strict=True)]
        with self._evaluating():
            found = iter(find([part for each in asked for part in each]))
            translations = [
                self._within_spaces(
                    line, find.joined(line, own, cut, list(islice(found, len(cut))))
                )
                for line, own, cut in zip(lines, terms, asked, strict=True)
            ]
        return translations

    def _within_spaces(self, line: str, one: Translation) -> Translation:
        """The translation between the white space that the line begins and ends with, which a
        normalisation took away."""
        if self.tokenizer.normalization.scheme == "none" or not one.text:
            return one
        start = line[: len(line) - len(line.lstrip())]
        end = line[len(line.rstrip()) :]
        return one.rewritten(lambda text: start + text + end) if start or end else one

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[PairScore]:
        """Scores how likely the model finds each (source, target) pair, of any length. A pair of
        two blank lines scores 0 and has 0 tokens."""
        scores = [PairScore(0.0, 0)] * len(pairs)
        places = [place for place, pair in enumerate(pairs) if "".join(pair).strip()]
        src = self.tokenizer.encode_src([pairs[place][0] for place in places])
        tgt = self.tokenizer.encode_tgt([pairs[place][1] for place in places])
        lengths = [max(len(x), len(y)) + 1 for x, y in zip(src, tgt, strict=True)]
        with self._evaluating():
            for batch in batches(lengths, self._batch_tokens):
                found = log_probs(self.model, [(src[index], tgt[index]) for index in batch])
                for index, log_prob in zip(batch, found, strict=True):
                    scores[places[index]] = PairScore(log_prob, len(tgt[index]) + 1)
        return scores

    def count_words(self, pair: tuple[str, str]) -> tuple[int, int]:
        """How many words, or characters, of each side are aligned."""
        src, tgt = map(words_of, pair, self.by_character)
        return len(src), len(tgt)

    def attend_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[AttendedPair]:
        """Where the model looks while it is made to write the second text of each pair. Raises
        NoAlignment for a model without attention."""
        src, tgt = self.by_character
        with self._evaluating():
            return attend_pairs(
                self.model, self.tokenizer, pairs, src_by_character=src, tgt_by_character=tgt
            )

    def word_importance(self, pair: AttendedPair) -> Tensor:
        """How much each target word depends on each source word, see ``word_importance``."""
        with self._evaluating():
            return word_importance(self.model, self.tokenizer, pair)

    def next_words(self, source: str, beginning: str, most: int) -> list[NextWord]:
        """The likeliest words after the beginning of a translation, see ``next_words``."""
        (src,) = self.tokenizer.encode_src([source])
        (tgt,) = self.tokenizer.encode_tgt([beginning])
        by_character = self.by_character[1]
        with self._evaluating():
            return next_words(
                self.model, self.tokenizer, [*src, EOS], tgt, most, by_character=by_character
            )

    @property
    def by_character(self) -> tuple[bool, bool]:
        """Whether the source, and the target, language is written without spaces: each of its
        characters counts as a word."""
        return is_written_without_spaces(self.src_lang), is_written_without_spaces(self.tgt_lang)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        training = self.model.training
        if training:
            self.model.eval()  # visits every module, which takes time
        try:
            with autocast(self.device, self.precision):
                yield
        finally:
            if training:
                self.model.train()
