"""Notifications on a phone, with buttons whose answers are signed.

``settings`` holds the table ``[notify.phone]``, ``pairing`` the secrets that a project shares
with a phone, ``signed_commands`` what a button sends, ``ntfy`` and ``pushover`` the services that
carry messages. What an answer does is the work of ``headrace.phone_answers``.
"""
