"""Seeded defects: edits of the library's text, each of which some check must find.

``outsider.json`` was written by somebody who has not seen the checks, ``insider.json`` by
somebody who has.  A defect is a text that stands once in a file, what stands there
instead, and the story of what goes wrong then.

``lists`` reads them; ``tree`` makes a copy of the project that has one; ``run`` is run in
that copy and says what it finds; ``hunt`` runs check after check until one is red, and
keeps which one that was, in ``found.json``.
"""
