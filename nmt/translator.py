"""Text in, text out: a model, its tokenizer and a search, ready to use.

Dims: B sentences, S source tokens.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch.nn.utils.rnn import pad_sequence

from nmt.checks import positive_int
from nmt.construct import factory
from nmt.device import choose_device
from nmt.models.attention import ContextSource
from nmt.models.interface import Seq2SeqModel
from nmt.models.weights import load_weights
from nmt.run_directory import RunDirectory
from nmt.search.beam import BeamSearch
from nmt.search.hypothesis import Hypothesis, Search
from nmt.tokenizer import EOS, PAD, Tokenizer


@dataclass(frozen=True)
class Translation:
    """One line's translation.

    text: one line, whatever the model produced.
    score: the search's length-normalised log-probability (natural logarithm); 0 for a blank line.
    tokens: target tokens produced, EOS not counted.
    hit_limit: the model had not ended the sentence where the search had to stop: the text is cut.
    """

    text: str
    score: float
    tokens: int
    hit_limit: bool


# Memory goes with hypotheses times vocabulary too: thousands of one-word lines would exhaust it.
SHORTEST = 16

BLANK = Translation(text="", score=0.0, tokens=0, hit_limit=False)


class Translator:
    """Translates lines where the model's parameters are; sources are never cut.

    batch_tokens: most source tokens, padding included, that a batch may hold, a short sentence
        being counted as 16. A longer one is a batch of its own. The text does not depend on it.
    """

    def __init__(
        self,
        model: Seq2SeqModel,
        tokenizer: Tokenizer,
        search: Search,
        *,
        batch_tokens: int = 4096,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.search = search
        self.batch_tokens = positive_int("batch_tokens", batch_tokens)

    @classmethod
    def load(
        cls,
        run: str | Path,
        *,
        search: Search | None = None,
        device: str = "auto",
        batch_tokens: int = 4096,
        trusted_packages: Sequence[str] = (),
    ) -> Self:
        """The translator that a run directory holds, in fp32.

        search: beam search with its defaults where none is given.
        device: auto, cpu, cuda or mps.
        trusted_packages: packages besides ``nmt`` whose classes the run may name; they run as code.

        Raises FileNotFoundError or ValueError for a directory that is no run, has no trained model
        yet, or is damaged.
        """
        directory = RunDirectory.open(run)
        weights = directory.serving()
        for file in directory.path.glob("tokenizer*.model"):
            directory.verified(file.name)
        tokenizer = Tokenizer.load(directory.path)
        model = build_model(
            directory.config().get("model", {}),
            src_vocab_size=tokenizer.src_vocab_size,
            tgt_vocab_size=tokenizer.tgt_vocab_size,
            trusted_packages=trusted_packages,
        )
        load_weights(model, weights)
        model.to(choose_device(device)).eval()
        return cls(model, tokenizer, search or BeamSearch(), batch_tokens=batch_tokens)

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        """One translation a line, in order; a blank line gives a blank one.

        The model leaves the call in the mode, training or evaluation, in which it came. Raises
        ValueError for a line that is no valid Unicode text.
        """
        if isinstance(lines, str):
            raise ValueError(f"translate takes a list of lines, not one string: [{lines[:40]!r}]")
        translations = [BLANK] * len(lines)
        places = [place for place, line in enumerate(lines) if line.strip()]
        encoded = self.tokenizer.encode_src(lines)
        sources = [[*encoded[place], EOS] for place in places]
        training = self.model.training
        self.model.eval()
        try:
            for batch in batches([len(source) for source in sources], self.batch_tokens):
                hypotheses = self._search([sources[index] for index in batch])
                for index, translation in zip(batch, self._read(hypotheses), strict=True):
                    translations[places[index]] = translation
        finally:
            self.model.train(training)
        return translations

    def _search(self, sources: Sequence[list[int]]) -> list[Hypothesis]:
        """The best hypothesis of each source."""
        device = next(self.model.parameters()).device
        src = pad_sequence([torch.tensor(ids) for ids in sources], True, PAD).to(device)  # (B, S)
        with torch.inference_mode():
            return [hypotheses[0] for hypotheses in self.search(self.model, src)]

    def _read(self, hypotheses: Sequence[Hypothesis]) -> Iterator[Translation]:
        texts = self.tokenizer.decode_tgt([list(hypothesis.tokens) for hypothesis in hypotheses])
        for text, hypothesis in zip(texts, hypotheses, strict=True):
            yield Translation(
                text=one_line(text),
                score=hypothesis.score,
                tokens=len(hypothesis.tokens),
                hit_limit=not hypothesis.finished,
            )


def build_model(
    spec: Mapping[str, Any],
    *,
    src_vocab_size: int,
    tgt_vocab_size: int,
    trusted_packages: Sequence[str] = (),
) -> Seq2SeqModel:
    """The model that the ``model`` section of a config names."""
    build = factory(
        spec,
        Seq2SeqModel,
        name="model",
        nested={"attention": ContextSource},
        trusted_packages=trusted_packages,
    )
    return build(src_vocab_size=src_vocab_size, tgt_vocab_size=tgt_vocab_size)


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
