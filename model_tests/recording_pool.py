"""What ``foregone.observer`` logged of one thread pool, as actions of its model.

The entries are made events, as for any observer, and ``run_of_threads`` reads these; see
there for what is silent.
"""

from collections.abc import Sequence
from typing import cast

from foregone.events import Logged
from foregone.events_of_threads import ThreadEvents
from foregone.pool import Pool
from foregone.run_of_threads import SILENT, ThreadReader
from foregone_spec import thread_pool
from foregone_spec.lifecycle import Phase
from foregone_spec.thread_pool import ThreadPoolState
from model_tests.recording import Entries, Replay, logged


def of_thread_pool(entries: Entries, pool: Pool) -> Replay[ThreadPoolState, thread_pool.Action]:
    """Return the run of one pool."""
    told = ThreadEvents(pool, Phase.OPEN).tell(cast("Sequence[Logged]", entries))
    run = ThreadReader([logged(*each) for each in told], pool.limit).run()
    return Replay(run.model, run.steps, lambda action: isinstance(action, SILENT))
