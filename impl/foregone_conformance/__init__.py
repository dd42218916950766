"""Judge any ``concurrent.futures.Executor``: which claims does it keep, which does it break?

    foregone-conformance package.module:factory --process

A claim is one thing that an executor promises: CPython's documentation of
``concurrent.futures`` says so, or an invariant of ``foregone_spec`` does, or a bug of the field
has shown that somebody relied on it.  Each is tried in a process of its own.

``claims.py``        what a claim is
``documented.py``    those of the documentation, with ``documented_*.py``
``invariants.py``    those of the specification, under programs that are drawn, ``drawn.py``
``linearizable.py``  histories of real threads: ``replies.py`` asks, ``histories.py`` judges
``museum.py``        the museum's scripts, ``exhibits/``
``judged.py``        the executor that is judged; ``adapters.py`` has those that need a shape
``child.py``         tries one claim; ``judge.py`` starts it, ``session.py`` watches and ends it
``report.py``        what came out, as text, Markdown, JSON and HTML
"""

# Nothing is imported here: the museum's scripts run on interpreters older than the rest.
