"""What every room shares: the checks of text and JSON. It imports nothing else of ours."""
