"""Zip archives as OPUS offers them: two text files of one corpus, among others."""

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, zip_longest
from pathlib import Path, PurePosixPath
from typing import Any

from nmt.checks import OptionError, field
from nmt.data.sources.pair_source import ColumnsSource
from nmt.data.sources.unit_formats import matching
from nmt.data.text_files import Lines, Stream, opened

_NAMES_SHOWN = 12


class ZipSource(ColumnsSource):
    """Line n of one file of an archive with line n of the other. The columns are the languages that
    the names of the files end in: Books.en-fr.en and Books.en-fr.fr. Other files are not read."""

    def _options(self) -> dict[str, Any]:
        return {"format": "opus_zip"}

    def _file_rows(self, index: int, most: int | None) -> Iterator[tuple[object, object]]:
        path = self._paths[index]
        with _archive(path) as archive:
            names = _members(archive, path, self._columns)
            src, tgt = (_lines(archive, name, f"{path}/{name}") for name in names)
            for row, pair in enumerate(islice(zip_longest(src, tgt), most)):
                if None in pair:
                    shorter, longer = names if pair[0] is None else names[::-1]
                    raise ValueError(
                        f"{path}: {shorter} has {row:,} lines, and {longer} has more: line n of one"
                        " must translate line n of the other"
                    )
                yield pair

    def _place(self, index: int, row: int) -> str:
        path = self._paths[index]
        with _archive(path) as archive:
            names = _members(archive, path, self._columns)
        return " and ".join(f"{path}/{name}:{row + 1}" for name in names)

    def size(self) -> int | None:
        return None


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    with opened(path, packed=True) as file, opened_archive(file, str(path)) as archive:
        yield archive


@contextmanager
def opened_archive(file: Stream, name: str) -> Iterator[zipfile.ZipFile]:
    """An open archive; what is wrong with its bytes becomes a ValueError."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise ValueError(f"{name} is no whole zip archive: {error}") from None
    except (ValueError, OSError) as error:  # also of places before the file, and of bz2
        if name in str(error) or getattr(error, "errno", None):
            raise
        raise ValueError(f"{name} is no whole zip archive: {error}") from None
    except (NotImplementedError, RuntimeError) as error:  # a strange method, or a password
        raise ValueError(f"{name} cannot be unpacked: {error}") from None


def _members(archive: zipfile.ZipFile, path: Path, columns: tuple[str, str]) -> list[str]:
    """The name of the file of each language."""
    files = [
        name
        for name in archive.namelist()
        if not name.endswith("/") and not name.startswith("__MACOSX/")
    ]
    endings = {name: PurePosixPath(name).suffix[1:] for name in files}
    listed = ", ".join(files[:_NAMES_SHOWN]) or "nothing"
    listed += f" and {len(files) - _NAMES_SHOWN} more" if len(files) > _NAMES_SHOWN else ""
    found = []
    for side, column in zip(("src", "tgt"), columns, strict=True):
        code = matching(column, endings.values())
        names = [name for name in files if code and endings[name] == code]
        if len(names) != 1:
            said = "no file" if not names else f"{len(names)} files"
            raise OptionError(
                f"{path} holds {said} whose name ends in .{column}; it holds {listed}. Set"
                f" {field(f'{side}_column')} to another ending, or unpack the archive and read it"
                " with data=files"
            )
        found += names
    if found[0] == found[1]:
        raise OptionError(f"{path}: {found[0]} would be both the source and the target")
    return found


def _lines(archive: zipfile.ZipFile, name: str, place: str) -> Iterator[str]:
    with archive.open(name) as stream:
        assert isinstance(stream, zipfile.ZipExtFile)
        for chunk in Lines(stream, place).chunks(lambda _, line: line):
            yield from chunk
