"""The runs that a server translates with, and the languages that they make of each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt.hub_runs import name_of_run
from nmt.languages import language_name
from nmt.server.limits import Refused
from nmt.translator import Translator

AUTO = "auto"
UNKNOWN = "und"
"""The code of a language of which a run does not say what it is, as ISO 639-2 has it."""


@dataclass(frozen=True)
class ServedRun:
    """A run. name: the last part of its path. source, target: its languages, as it has them."""

    name: str
    translator: Translator

    @property
    def source(self) -> str:
        return self.translator.src_lang or UNKNOWN

    @property
    def target(self) -> str:
        return self.translator.tgt_lang or UNKNOWN


class ServedRuns:
    """Runs by their names, in order. Of several for one pair of languages the first serves, unless
    a request names another."""

    def __init__(self, translators: Mapping[str, Translator]) -> None:
        self.all = [ServedRun(name, one) for name, one in translators.items()]
        assert self.all

    @classmethod
    def load(
        cls,
        paths: Sequence[str | Path],
        load: Callable[[str | Path], Translator] = Translator.load,
    ) -> "ServedRuns":
        """Loads run directories, or runs on the hub. Raises what ``load`` raises, and ValueError
        for no directory, and for two with one name."""
        if not paths:
            raise ValueError("run= names no run directory")
        named: dict[str, str | Path] = {}
        for path in paths:
            name = name_of_run(path)
            if name in named:
                raise ValueError(
                    f"{named[name]} and {path} are both called {name}, and requests name runs by"
                    f" the last part of their path: rename one of the directories"
                )
            named[name] = path
        return cls({name: load(path) for name, path in named.items()})

    @property
    def translators(self) -> dict[str, Translator]:
        return {run.name: run.translator for run in self.all}

    @property
    def codes(self) -> list[str]:
        """The languages of all runs, each once."""
        return list(dict.fromkeys(code for run in self.all for code in (run.source, run.target)))

    def targets(self, source: str) -> list[str]:
        """The languages into which this one is translated."""
        return list(dict.fromkeys(run.target for run in self.all if run.source == source))

    def sources(self, target: str) -> list[str]:
        """The languages from which this one is made."""
        return list(dict.fromkeys(run.source for run in self.all if run.target == target))

    def languages(self) -> list[dict[str, object]]:
        """What /languages answers."""
        return [
            {"code": code, "name": language_name(code), "targets": self.targets(code)}
            for code in self.codes
        ]

    def code(self, field: str, given: str) -> str:
        """The code of a served language, whatever its case; Refused for any other."""
        for code in self.codes:
            if code.lower() == given.lower():
                return code
        raise Refused(400, f"{field} is no language of this server: it has {', '.join(self.codes)}")

    def run(self, source: str, target: str, name: str | None = None) -> ServedRun:
        """The run for a pair of languages, given as ``code`` returns them; of this name if one is
        given. Refused where there is none."""
        pairs = [run for run in self.all if (run.source, run.target) == (source, target)]
        if name is not None:
            pairs = [run for run in pairs if run.name == name]
            if not any(run.name == name for run in self.all):
                known = ", ".join(run.name for run in self.all)
                raise Refused(400, f"run is none of this server's: it has {known}")
        if not pairs:
            by = "" if name is None else f" by the run {name}"
            raise Refused(400, f"{source} is not translated into {target}{by}: see /languages")
        return pairs[0]
