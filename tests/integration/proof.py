"""What a proof (test_proof_*.py) has from the one who runs it, and tells them: whether its long form is wanted, how far it is, and its figures.
ctest runs the short form; scripts/prove runs either, shows what is told here and writes it into docs/reliability.md."""
import json
import os

from programs import is_sanitized

LONG = bool(os.environ.get("SSOFERRY_LONG"))


def short(count):
    """How often the short form does something: half as often in a build with sanitizers, which takes three times as long and is tested second."""
    return -(-count // 2) if is_sanitized() else count


class Proof:
    """The fixture `proof`."""

    long = LONG

    def __init__(self):
        self._path = os.environ.get("SSOFERRY_FIGURES")

    def figure(self, name, value):
        """What was found: a number, or a short text with its unit. The last one of a name counts."""
        self._tell({"figure": name, "value": value})

    def progress(self, done, total, what="rounds"):
        """For a terminal; cheap enough to be called in every round."""
        self._tell({"done": done, "total": total, "what": what})

    def _tell(self, line):
        if self._path:
            with open(self._path, "a", encoding="utf-8") as figures:
                figures.write(json.dumps(line) + "\n")
