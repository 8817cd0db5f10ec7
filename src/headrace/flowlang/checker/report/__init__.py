"""Report of the checker: findings, the catalogue of rules, source positions, SARIF.

``finding`` is one mistake; ``catalogue`` describes every code, ``rule_description`` in which form;
``locate`` finds lines and columns in the source; ``sarif`` writes the log for code hosts. Codes are
stable: a code keeps its meaning.
"""
