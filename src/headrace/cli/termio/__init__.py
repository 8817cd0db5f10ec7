"""Every byte that commands write."""
