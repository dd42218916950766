"""Every Python that a test of a mutant starts has the mutant, by ``mutants.py``'s PYTHONPATH."""
# ruff: noqa: INP001  # Python imports it by this name, from no package

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent.parent.parent))

from model_tests.simulation.mutants import MUTANT, install

install(*os.environ[MUTANT].split())
