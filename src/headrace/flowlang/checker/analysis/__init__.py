"""Abstract interpretation of a flow: the payloads with which a run can enter each state."""
