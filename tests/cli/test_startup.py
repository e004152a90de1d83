import subprocess
import sys

CHECK = """
import sys
import nmt
import nmt.cli.train, nmt.cli.translate, nmt.cli.evaluate, nmt.cli.compare
light = set(sys.modules)
import nmt.assembly.evaluating
scoring = set(sys.modules)
for name in [name for name in sys.modules if name.split(".")[0] == "sacrebleu"]:
    del sys.modules[name]
import nmt.assembly.translating
translating = set(sys.modules)
assert nmt.Translator.__module__.startswith("nmt.translator")
print(sorted(light & {"torch", "numpy", "sacrebleu", "sentencepiece", "matplotlib"}))
print(sorted(scoring & {"torch", "matplotlib", "tensorboard"}))
print(sorted(translating & {"sacrebleu", "matplotlib", "tensorboard", "datasets", "pandas"}))
"""


def test_commands_load_what_they_need_and_no_more() -> None:
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]", "[]"]
