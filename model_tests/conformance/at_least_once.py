"""Executors that say of themselves how often a call runs; the first two run each twice."""

from model_tests.conformance.faults import RunsTwice
from model_tests.conformance.plain import Plain


class Says(RunsTwice):
    """It says that calls run at least once, and does no more."""

    at_most_once = False


class Lies(RunsTwice):
    """It says that they run at most once."""

    at_most_once = True


class Modest(Plain):
    """It does more than it says."""

    at_most_once = False
