"""Who may see and do what: sessions, codes of one use, origins, headers, the record of actions."""
