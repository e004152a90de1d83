"""Other programs on the same work, from a folder in which they are installed.

FOLDER holds ``v_onmt``, an environment with OpenNMT-py 3.5.1, CTranslate2 4.8 or both, and ``conf``
and ``data`` for OpenNMT-py's training on Multi30k: joint vocabulary of 8,000, batches of 4,096
tokens.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt.export.to_ctranslate2 import convert
from nmt.models.transformer import TransformerSeq2Seq
from nmt.translator import Translator
from scripts.benchmarks.process import Finished, run

_RATE = re.compile(r"; *(\d+)/ *(\d+) tok/s")


@dataclass(frozen=True)
class Peers:
    """What is installed in ``folder``, run with so many threads."""

    folder: Path
    threads: int

    def has(self, package: str) -> bool:
        """Whether it is installed: onmt or ctranslate2."""
        return any(self.folder.glob(f"v_onmt/lib/python*/site-packages/{package}"))

    def train(self, model: str, steps: int, window: int) -> tuple[float, float]:
        """OpenNMT-py's target tokens a second, median of its windows but the first, and peak MB.

        model: ``transformer`` or ``rnn``.
        """
        finished = self._run(
            "v_onmt/bin/onmt_train",
            config=f"conf/onmt_{model}.yaml",
            train_steps=steps,
            save_checkpoint_steps=steps,
            report_every=window,
        )
        rates = sorted(int(found[1]) for found in _RATE.findall(finished.out + finished.err)[1:])
        if not rates:
            raise ValueError(f"OpenNMT-py reported no rates: {finished.err[-2000:]}")
        return float(rates[len(rates) // 2]), finished.peak_mb

    def opennmt(self, model: str, **asked: int) -> dict[str, float]:
        """OpenNMT-py decodes the test set with what ``train`` left; as it reports, load left out.

        asked: beam_size, limit, batch_tokens.
        """
        checkpoints = sorted((self.folder / "runs" / f"onmt_{model}").glob("m_step_*.pt"))
        finished = self._run(
            "v_onmt/bin/onmt_translate",
            model=checkpoints[-1].relative_to(self.folder),
            src="data/test_2016_flickr.sp.en",
            output=f"onmt.{model}.{asked['beam_size']}",
            batch_type="tokens",
            batch_size=asked["batch_tokens"],
            beam_size=asked["beam_size"],
            max_length=asked["limit"],
            max_length_ratio=0,
            gpu=-1,
            report_time=None,
        )
        text = finished.out + finished.err
        seconds = float(_number(r"Total translation time \(s\): ([\d.e+-]+)", text))
        return {
            "sentences_per_second": 1000 / seconds,
            "tokens_per_second": float(_number(r"Tokens per second: ([\d.e+-]+)", text)),
        }

    def ctranslate2(
        self, place: Path, translator: Translator, lines: Sequence[str], kind: str, **asked: int
    ) -> tuple[float, list[str]]:
        """CTranslate2 on the same weights and the same pieces.

        place: an empty folder at first, and the same one again for the same model and lines.
        kind: float32, or auto for the fastest type that it knows. asked: beam_size, limit,
        batch_tokens.

        Returns seconds, loading left out, and the translations.
        """
        if not (place / "source.txt").exists():
            _export(place, translator, lines)
        finished = self._run(
            "v_onmt/bin/python",
            Path(__file__).with_name("ctranslate2_decode.py"),
            place,
            *(asked[name] for name in ("beam_size", "limit", "batch_tokens")),
            self.threads,
            kind,
        )
        result = json.loads(finished.out)
        ids = {piece: i for i, piece in enumerate(_vocabulary(translator))}
        rows = [[ids[piece] for piece in pieces] for pieces in result["pieces"]]
        return float(result["seconds"]), translator.tokenizer.decode_tgt(rows)

    def _run(self, program: str, *arguments: object, **options: object) -> Finished:
        """options: of the command line; None for one that takes no value."""
        named = [part for name, value in options.items() for part in (f"-{name}", value)]
        threads = {f"{kind}_NUM_THREADS": str(self.threads) for kind in ("OMP", "MKL")}
        return run(
            [
                str(self.folder.absolute() / program),
                *(str(argument) for argument in (*arguments, *named) if argument is not None),
            ],
            environment={
                **threads,
                "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1",
                "PYTHONWARNINGS": "ignore",
            },
            directory=self.folder,
        )


def _export(place: Path, translator: Translator, lines: Sequence[str]) -> None:
    """The model in CTranslate2's form and the source in pieces, for ``ctranslate2_decode.py``."""
    model, tokenizer = translator.model, translator.tokenizer
    if not isinstance(model, TransformerSeq2Seq):
        raise ValueError(f"CTranslate2 knows no {type(model).__name__}: take a transformer's run")
    (place / "ctranslate2").mkdir(parents=True, exist_ok=True)
    convert(model, tokenizer, place / "ctranslate2")
    pieces = [" ".join(tokenizer.src_pieces(ids)) for ids in tokenizer.encode_src(lines)]
    (place / "source.txt").write_text("\n".join(pieces), encoding="utf-8")


def _vocabulary(translator: Translator) -> list[str]:
    tokenizer = translator.tokenizer
    return tokenizer.tgt_pieces(range(tokenizer.tgt_vocab_size))


def _number(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"OpenNMT-py did not say {pattern!r}: {text[-2000:]}")
    return found[1]
