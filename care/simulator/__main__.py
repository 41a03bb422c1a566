"""Run the simulator without the rest of the program: `python -m care.simulator --port 8001`."""

from care.simulator.server import main

main()
