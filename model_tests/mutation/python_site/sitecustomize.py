"""Every Python that a check of a mutant starts has the mutant, if PYTHONPATH leads here."""
# ruff: noqa: INP001  # Python imports it by this name, from no package

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent.parent.parent))

from model_tests.mutation.python import VARIABLE, install

_module, _number = os.environ[VARIABLE].split()
install(_module, int(_number))
