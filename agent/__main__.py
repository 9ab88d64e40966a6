"""Run the agent as `python -m agent`."""

from agent.cli import main

main()
