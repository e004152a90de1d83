"""scripts/benchmark.py sentence."""

from typing import Any

import pytest

from scripts.benchmarks import one_sentence
from scripts.benchmarks.process import Finished


def test_each_architecture_and_length_is_a_process_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def run(command: list[str], **_: object) -> Finished:
        asked.append(command[3:])
        return Finished(f"{len(asked)}.5\n", "", 9.0, 200.4)

    monkeypatch.setattr(one_sentence, "run", run)
    rows = one_sentence.measure(lengths=[10, 20], beam_size=5, threads=1)
    names = ["transformer", "lstm_bahdanau", "lstm"]
    assert asked == [[name, length, "5", "1"] for name in names for length in ("10", "20")]
    assert [row["processor_ms"] for row in rows] == [1500, 2500, 3500, 4500, 5500, 6500]
    assert {row["peak_memory_mb"] for row in rows} == {200}


def test_translations_are_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Search(one_sentence.BeamSearch):
        def __call__(self, *arguments: Any) -> Any:
            found = super().__call__(*arguments)
            seen.append(len(found[0][0].tokens))
            return found

    monkeypatch.setattr(one_sentence, "BeamSearch", Search)
    assert one_sentence.seconds("lstm", 3, 2) > 0
    assert seen == [3] * (1 + one_sentence.REPEATS)
