"""The conformance kit on trial: it convicts who is guilty, and nobody else.

``faults.py``   executors with one mechanism broken each, and the one that has none
``check.py``    all claims against ours, and against each of these: ``make conformance``
``record.py``   all claims against each interpreter and peer, kept in ``recorded.json``
``page.py``     writes the tables of docs/conformance.md
"""
