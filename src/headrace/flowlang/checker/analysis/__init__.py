"""Abstract interpretation of a flow: the set of payloads with which a run can reach each state."""
