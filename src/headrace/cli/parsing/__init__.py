"""Arguments and options of commands: their types, values and completion."""
