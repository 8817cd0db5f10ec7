"""Engine of the facility: one thread that advances every run as far as it can go.

Invariants: a run is the replay of its events; its step, its actions and its new status are stored
in one transaction; effects (work of providers, cancellations) are returned as a list and run after
the commit; runs that are ready share a transaction, and one that fails is parked alone.

``engine`` is the thread and what others call; ``run_executor`` advances, cancels, resumes and parks
one run in a transaction and returns its effects, which ``effects`` runs. ``wakeups`` and ``timers``
say which runs are due; ``run_starter`` starts runs that come together; ``run_creation`` and
``run_retry`` store new ones; ``run_changes`` does what people ask for; ``recovery`` resumes what a
killed process left; ``run_parking`` sets runs aside; ``retention`` removes old ones;
``provider_registry`` finds the provider of an address; ``end_listeners`` report ends.
"""
