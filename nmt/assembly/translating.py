"""nmt-translate: a filter from lines to lines."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader, BytesIO
from typing import Any, BinaryIO, cast

from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from nmt.construct import factory
from nmt.corpus.reading import read_lines
from nmt.search.hypothesis import Search
from nmt.translator import Translation, Translator

log = logging.getLogger(__name__)

CHUNK_LINES = 1024
CHUNK_BYTES = 2**20


def translate(cfg: DictConfig) -> None:
    """Translate as ``configs/translate.yaml`` says, one line for each line."""
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    translator = load_translator(config)
    if config["input"] is None:
        translations = translated_as_they_come(translator, cast(BufferedReader, sys.stdin.buffer))
    else:
        translations = translated(translator, read_lines(str(config["input"])))
    if config["output"] is None:
        write(translations, sys.stdout.buffer)
    else:
        with open(str(config["output"]), "wb") as file:
            write(translations, file)


def load_translator(config: Mapping[str, Any]) -> Translator:
    """What run, search, device, batch_tokens and trusted_packages say."""
    search = factory(
        config["search"],
        Search,
        name="search",
        trusted_packages=config["trusted_packages"],
    )
    return Translator.load(
        str(config["run"]),
        search=search(),
        device=config["device"],
        batch_tokens=config["batch_tokens"],
        trusted_packages=config["trusted_packages"],
    )


def translated(translator: Translator, lines: Sequence[str]) -> Iterator[list[Translation]]:
    """A chunk after the other, under a progress bar if stderr is a terminal."""
    with tqdm(total=len(lines), unit=" lines", disable=None, leave=False) as progress:
        for start in range(0, len(lines), CHUNK_LINES):
            yield translator.translate(lines[start : start + CHUNK_LINES])
            progress.update(len(lines[start : start + CHUNK_LINES]))


def translated_as_they_come(
    translator: Translator, stream: BufferedReader | BytesIO
) -> Iterator[list[Translation]]:
    """Each chunk is what the stream had to give, so that a line typed is answered at once, and a
    file piped in is translated in large batches."""
    for lines in line_chunks(stream):
        yield translator.translate(lines)


def line_chunks(stream: BufferedReader | BytesIO) -> Iterator[list[str]]:
    """The lines of UTF-8 text as ``read_lines`` reads them, as soon as they are there.

    Raises ValueError for invalid UTF-8, after all lines before it.
    """
    number, rest = 1, b""
    while data := stream.read1(CHUNK_BYTES):
        *whole, rest = (rest + data).split(b"\n")
        if whole:
            yield from _decoded(whole, number)
            number += len(whole)
    if rest:
        yield from _decoded([rest], number)


def _decoded(raw: Sequence[bytes], number: int) -> Iterator[list[str]]:
    """number: of the first line."""
    lines: list[str] = []
    for line in raw:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            if lines:
                yield lines
            raise ValueError(
                f"standard input, line {number + len(lines)}: not valid UTF-8 "
                f"(byte 0x{line[error.start]:02x}); convert the text, for example with iconv"
            ) from None
        if number + len(lines) == 1:
            text = text.removeprefix("\ufeff")
        lines.append(text.removesuffix("\r"))
    yield lines


def write(translations: Iterator[list[Translation]], stream: BinaryIO) -> None:
    """A line each, flushed a chunk at a time; says at the end how many were cut."""
    total = cut = 0
    for chunk in translations:
        stream.write("".join(f"{translation.text}\n" for translation in chunk).encode("utf-8"))
        stream.flush()
        total += len(chunk)
        cut += sum(translation.hit_limit for translation in chunk)
    if cut:
        log.warning(
            "%d of %d translations reached the length limit and may lack their end "
            "(search.max_length, search.extra_length)",
            cut,
            total,
        )
