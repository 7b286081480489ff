"""The Dockerfile as far as it can be told, and followed, without a container engine."""
import fnmatch
import json
import re
import shutil
from pathlib import Path

from programs import ROOT

DEPLOY = ROOT / "config/deploy"


def instructions():
    """[(stage, instruction, rest)]"""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.M))
    found, stage = [], ""
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stage = rest.partition(" AS ")[2] or "image"
        found.append((stage, word, re.sub(r" +", " ", rest.strip())))
    return found


def settings(stage="image"):
    """The last of each instruction of a stage."""
    return {word: rest for each, word, rest in instructions() if each == stage}


def debian(stage="image"):
    """The number of the release of Debian that a stage begins with."""
    return int(re.match(r"debian:(\d+)-slim\b", settings(stage)["FROM"])[1])


def entrypoint():
    return json.loads(settings()["ENTRYPOINT"])


def health_check():
    return json.loads(settings()["HEALTHCHECK"].partition("CMD ")[2])


def copies(rest):
    """(options, sources, target) of a COPY."""
    words = rest.split()
    options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    *sources, target = [word for word in words if not word.startswith("--")]
    return options, sources, target


def is_ignored(path):
    patterns = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    return any(fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}/") for pattern in patterns)


def _copy(sources, target, into, ignore=None):
    """As COPY does: the content of a directory; into a directory where the target ends in a slash."""
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, into / target, symlinks=True, dirs_exist_ok=True, ignore=ignore)
        else:
            place = into / target / source.name if target.endswith(("/", ".")) else into / target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)
            yield place


def _ignore_in_context(folder, names):
    return [name for name in names if is_ignored(str((Path(folder) / name).relative_to(ROOT)))]


def follow(stage, machine, others):
    """Does the steps of a stage in a machine that stands for its base image. `others`: the stages before, {name: machine}."""
    folder = "/"
    for each, word, rest in instructions():
        if each != stage:
            continue
        if word == "WORKDIR":
            folder = rest
            machine.path(folder).mkdir(parents=True, exist_ok=True)
        elif word == "RUN":
            machine.run("sh", "-c", f"cd {folder} && {rest}", timeout=1800)
        elif word == "COPY":
            options, sources, target = copies(rest)
            into, relative = (machine.root, target.lstrip("/")) if target.startswith("/") else (machine.path(folder), target)
            if "from" in options:
                found = [path for source in sources for path in sorted(others[options["from"]].root.glob(source.lstrip("/")))]
            else:
                found = [ROOT / source for source in sources]
            assert found, rest
            for place in _copy(found, relative, into, None if "from" in options else _ignore_in_context):
                if "chmod" in options:
                    place.chmod(int(options["chmod"], 8))
