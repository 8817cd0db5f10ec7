"""What the checker finds: findings, the catalogue of their kinds, their place, SARIF."""
