"""The conformance kit on trial: it convicts who is guilty, and nobody else.

``plain.py``    a small executor that keeps its promises
``faults.py``   the same with one mechanism broken each: an invariant convicts each
``faults_documented.py``, ``odd_library.py``  and with one promise of the documentation
``faults_subtle.py``  and with one that is seen once in a while, or in a corner
``check.py``    all claims against ours, and against each of these: ``make conformance``
``record.py``   all claims against each interpreter and peer, kept in ``recorded.json``
``page.py``     writes the tables of docs/conformance.md
"""
