"""`python -m cxr.cli`, where the program `cxr` is not installed."""

from cxr.cli.program import main

if __name__ == "__main__":
    main()
