"""The executable specification of foregone: what may happen, and nothing else.

Everything here is pure.  A *table* (future, lifecycle, waiting, work_item,
process_death) says how one thing may change; a *model* (future_model, waiting_model,
thread_pool, process_pool, map_model) says how several threads and processes may use
it, as an immutable state and typed actions.  The library executes the tables; the
models are explored here and, under the same names, in ``tla/``.
"""

__all__: list[str] = []
