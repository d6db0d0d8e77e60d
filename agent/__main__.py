"""`python -m convrec.agent` is the `convrec` command."""

from convrec.agent.cli import main

main()
