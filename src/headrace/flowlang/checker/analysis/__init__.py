"""Abstract interpretation of a flow: the payloads with which a run can enter each state.

Invariant: it is sound. What it calls certain is so on every route; of what it does not follow it
claims nothing.

``json_types`` has the abstract values and ``lattice`` their join, meet and widening; ``lookup``
reads and changes a member; ``abstract_state`` is a payload with the facts that hold of it.
``dataflow`` is the fixpoint; ``choice_conditions``, ``conditions`` and ``path_inference`` refine a
state by what was tested; ``expressions``, ``operators`` and ``expression_paths`` evaluate
expressions on types. ``schema_types``, ``provider_results`` and ``web_inputs`` give types of inputs
and results; ``uses``, ``referenced_paths`` and ``required_paths`` say what states read;
``list_sizes`` and ``type_constructors`` help them; ``repair`` makes a refused definition checkable.
"""
