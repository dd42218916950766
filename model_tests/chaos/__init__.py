"""Chaos: random scenarios with real processes, each drawn from a seed.

``scenario`` draws what will be done, ``play`` does it to a pool, ``judge`` says what is
wrong with what came out, ``run`` is the process in which scenarios are played, and
``subjects`` are the pools: ours, the standard library's, and ours with seeded defects.
``python -m model_tests.chain.chaos`` plays many, and prints how to play one again.
"""
