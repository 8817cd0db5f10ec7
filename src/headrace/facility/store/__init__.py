"""SQLite store of the facility: one module a table.

Invariants: every write is in a transaction of ``database``; a commit is flushed before anything is
answered; the schema changes only by a new migration at the end of ``migrations``; what is damaged
is reported as such and never guessed.

``event_log`` has the events and snapshots of runs, ``runs`` and ``run_record`` their rows,
``run_query`` lists, ``log_pages`` and ``details_cache`` what documents show, ``ended_runs`` their
removal, ``parked_runs`` those that cannot be advanced. ``actions``, ``tasks``, ``flows``,
``web_inputs``, ``access_rules`` and ``search_index`` are a table each. ``opening`` checks a store
before it is used, ``check`` on demand, ``salvage`` reads a damaged one; ``faults`` says which
errors are the disk's, the store's or a record's.
"""
