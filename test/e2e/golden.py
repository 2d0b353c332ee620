#!/usr/bin/env python3
"""The golden tables of test/golden, by the program that also runs tables from elsewhere."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(os.path.dirname(os.environ.get("CAPI_BINARY", os.path.join(ROOT, "build/dev/bin/capillaries"))), "golden")

sys.exit(subprocess.run([GOLDEN, os.path.join(ROOT, "test", "golden")]).returncode)
