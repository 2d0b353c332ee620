"""Python packages that tests need as peers, from PyPI, in an environment of their own under build/. One that cannot be had is a
reported skip."""
import hashlib
import os
import subprocess
import sys

from harness import ROOT, Skip

_known = {}


def python_with(*packages):
    """The path of a Python interpreter that has these packages ("moto[server]==5.1.*", ...)."""
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    folder = os.path.join(ROOT, "build", "packages", name)
    python = os.path.join(folder, "bin", "python3")
    if name not in _known:
        _known[name] = _make(folder, python, packages)
    if _known[name]:
        raise Skip(_known[name])
    return python


def _make(folder, python, packages):
    """None, or why it cannot be had."""
    mark = os.path.join(folder, "complete")
    if os.path.exists(mark):
        return None
    for command in ([sys.executable, "-m", "venv", folder],
                    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]):
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=600, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return "cannot install %s: %s" % (" ".join(packages), error)
        if done.returncode != 0:
            words = done.stdout.decode("utf-8", "replace").strip().splitlines()
            return "cannot install %s: %s" % (" ".join(packages), words[-1] if words else "pip failed")
    with open(mark, "w", encoding="utf-8") as file:
        file.write(" ".join(packages) + "\n")
    return None
