"""The museum's scripts: real races and hangs of the field, each a function of a library.

Each takes what has the names of ``concurrent.futures``; ``foregone_conformance.museum`` makes
that of any executor, and says what each shows.  A script returns, raises ``DefectError``, or
does not come back.  They run on every CPython from 3.8 on, so that records can be made.

``future.py``        futures, waiters, callbacks
``pool.py``          thread pools and ``map``
``process.py``       process pools
``process_old.py``   what process pools once did
``peer.py``          process pools, found in peers of the standard library
``tasks.py``         what those about process pools run in a process
"""
