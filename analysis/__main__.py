"""`python -m analysis`: the terminal twin."""

from analysis.cli import main

if __name__ == "__main__":
    main()
