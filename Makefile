# Everything happens in shuke.py; `make test ARGS="-k tiers"` hands arguments on.
PYTHON ?= python3
COMMANDS = run test check setup stop clean bench faults

.PHONY: $(COMMANDS)
.DEFAULT_GOAL = run

$(COMMANDS):
	@$(PYTHON) shuke.py $@ $(ARGS)
