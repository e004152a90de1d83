"""Lines to translations, in batches, order and count kept.

Dims: B sentences, S source tokens.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import torch
from torch.nn.utils.rnn import pad_sequence

from nmt.checks import non_negative_int, positive_int
from nmt.device import choose_device
from nmt.models.interface import Seq2SeqModel
from nmt.search.beam import BeamSearch
from nmt.search.hypothesis import Hypothesis, Search
from nmt.tokenizer import EOS, PAD, Tokenizer
from nmt.translator.loading import load_runs
from nmt.translator.scoring import log_probs
from nmt.translator.translation import (
    BLANK,
    HIT_LIMIT,
    Alternative,
    PairScore,
    Terms,
    Translation,
)

# Memory goes with hypotheses times vocabulary too: thousands of one-word lines would exhaust it.
SHORTEST = 16


class Translator:
    """Translates lines where the model's parameters are; sources are never cut.

    batch_tokens: most source tokens, padding included, that a batch may hold, a short sentence
        being counted as 16. A longer one is a batch of its own. The text does not depend on it.
    longest_source: most tokens that the model should be given at once, EOS not counted: the
        longest source it was trained on. None: no matter how many.
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
        src_lang: str = "",
        tgt_lang: str = "",
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.search = search
        self.batch_tokens = positive_int("batch_tokens", batch_tokens)
        self.longest_source = longest_source
        self.src_lang = src_lang
        self.tgt_lang = tgt_lang

    @classmethod
    def load(
        cls,
        run: str | Path | Sequence[str | Path],
        *,
        search: Search | None = None,
        device: str = "auto",
        batch_tokens: int = 4096,
        trusted_packages: Sequence[str] = (),
    ) -> Self:
        """The translator that a run directory holds, in fp32; of several runs, their ensemble.

        search: beam search with its defaults where none is given.
        device: auto, cpu, cuda or mps.
        trusted_packages: packages besides ``nmt`` whose classes a run may name; they run as code.

        Raises FileNotFoundError or ValueError for a directory that is no run, has no trained model
        yet, or is damaged, and ValueError for runs whose tokenizers differ.
        """
        loaded = load_runs(run, trusted_packages=trusted_packages)
        return cls(
            loaded.model.to(choose_device(device)).eval(),
            loaded.tokenizer,
            search or BeamSearch(),
            batch_tokens=batch_tokens,
            longest_source=loaded.longest_source,
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

        terms: what each line's translation must begin with, say and not say.
        nbest: how many translations of each line to give, where the search finds so many.
        align: whether to say which source word each target word comes from.
        split_long: whether a line of more than ``longest_source`` tokens is translated in parts.
        copy_unknown: whether source text replaces bytes that form no characters.

        The model leaves the call in the mode, training or evaluation, in which it came. Raises
        ValueError for a line that is no valid Unicode text, and where the search cannot give
        ``nbest`` translations or keep to the terms.
        """
        if isinstance(lines, str):
            raise ValueError(f"translate takes a list of lines, not one string: [{lines[:40]!r}]")
        if non_negative_int("nbest", nbest) > self.search.most_hypotheses:
            raise ValueError(
                f"nbest={nbest} is more than this search finds, {self.search.most_hypotheses}: "
                f"raise search.beam_size, or search.samples of search=sample"
            )
        translations = [BLANK] * len(lines)
        places = [place for place, line in enumerate(lines) if line.strip()]
        encoded = self.tokenizer.encode_src(lines)
        sources = [[*encoded[place], EOS] for place in places]
        with self._evaluating():
            for batch in batches([len(source) for source in sources], self.batch_tokens):
                hypotheses = self._search([sources[index] for index in batch])
                for index, found in zip(batch, hypotheses, strict=True):
                    translations[places[index]] = self._read(found, nbest)
        return translations

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[PairScore]:
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

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        training = self.model.training
        self.model.eval()
        try:
            yield
        finally:
            self.model.train(training)

    def _search(self, sources: Sequence[list[int]]) -> list[list[Hypothesis]]:
        device = next(self.model.parameters()).device
        src = pad_sequence([torch.tensor(ids) for ids in sources], True, PAD).to(device)  # (B, S)
        with torch.inference_mode():
            return self.search(self.model, src)

    def _read(self, hypotheses: Sequence[Hypothesis], nbest: int) -> Translation:
        hypotheses = hypotheses[: max(1, nbest)]
        texts = self.tokenizer.decode_tgt([list(hypothesis.tokens) for hypothesis in hypotheses])
        found = [
            Alternative(
                text=one_line(text),
                score=hypothesis.score,
                tokens=len(hypothesis.tokens),
                flags=() if hypothesis.finished else (HIT_LIMIT,),
            )
            for text, hypothesis in zip(texts, hypotheses, strict=True)
        ]
        best = found[0]
        return Translation(
            best.text, best.score, best.tokens, best.flags, nbest=tuple(found) if nbest else ()
        )


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Indices into ``lengths``, longest first, as many at once as ``batch_tokens`` holds."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    while order:
        size = max(1, batch_tokens // max(lengths[order[0]], SHORTEST))
        yield order[:size]
        order = order[size:]


def one_line(text: str) -> str:
    """A byte fallback can spell a line break, which would put all later lines out of step."""
    return text.replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
