"""``python -m headrace.cli``: the command where its script is not installed."""

from headrace.cli import main

if __name__ == "__main__":
    main()
