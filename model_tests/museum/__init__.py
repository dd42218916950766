"""The museum: real races and hangs of the field, each as a script that shows it.

The scripts are shipped, as a part of the conformance kit: ``foregone_conformance.exhibits``.

``seeds*.py``      the old designs of which no interpreter at hand has a copy
``data*.py``       the table: what went wrong, where, and in which version
``catalogue.py``   which bugs there were to be, by rank, and in which room each is
``run.py``         runs one script in this process, which does not survive it
``record.py``      runs all on each interpreter and each peer (``peers/``), and keeps the words
``page.py``        writes docs/museum.md
"""
