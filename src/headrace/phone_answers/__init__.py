"""Answers from a phone: commands that its buttons send, carried out once and told back.

``command_record`` is what has been asked and done, on disk; ``command_runner`` does what the
command line does; ``command_receiver`` decides on each message; ``answers_listener`` reads the
messages; ``outcome_notifier`` tells what was done; ``answers_service`` is all of it in one process.
"""
