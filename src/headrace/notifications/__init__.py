"""Tell people of what happened: by a command of theirs, or by a webhook."""
