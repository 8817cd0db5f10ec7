"""Report of the checker: findings, the catalogue of rules, source positions, SARIF."""
