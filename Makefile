# The portal's commands. `make run` needs nothing but Python 3.11 or newer and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# Some build machines forbid Python to keep what it compiled: every server and worker that a test starts would then
# compile the whole portal again.
unexport PYTHONDONTWRITEBYTECODE

PORT ?= 8000
# embedded: servers out of Python packages. real: PostgreSQL, Redis and Samba AD of `make services`.
SERVICES ?= embedded
ARGS ?=

# The first Python that is new enough and can make virtual environments, the system's before any other in the path:
# the portal is installed on that one (docs/OPERATIONS.md), and distributions build it with optimizations, which is
# worth a fifth of the time. PYTHON=/path/to/python chooses another.
PYTHON ?= $(shell for module in ensurepip sys; do for name in /usr/bin/python3 python3 python3.13 python3.12 python3.11 python; do \
	if $$name -c "import sys, $$module; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; then command -v $$name; exit; fi; done; done)
VENV_PYTHON := .venv/bin/python
BOOTSTRAP = @test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed. Install it, or: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	"$(PYTHON)" portal/embedded/bootstrap.py

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 24

.PHONY: setup
setup: ## Make the virtual environment and everything the other commands need
	$(BOOTSTRAP) --dev

.PHONY: run
run: ## Bring the portal up with demo data (PORT=8000, SERVICES=embedded or real)
	$(BOOTSTRAP)
	@exec $(VENV_PYTHON) -m portal.embedded.run --port "$(PORT)" --services "$(SERVICES)"

.PHONY: test
test: ## Run every test; as root also on real services (ARGS="-k name" for a part)
	$(BOOTSTRAP) --dev
	@exec $(VENV_PYTHON) -m portal.embedded.tiers $(ARGS)

.PHONY: lint
lint: ## Style, types, floors, translations, migrations, deployment settings, lock files
	$(BOOTSTRAP) --dev
	@exec $(VENV_PYTHON) -m portal.embedded.checks

.PHONY: bench
bench: ## Measure speed and memory into bench/results.json
	$(BOOTSTRAP) --dev
	@exec $(VENV_PYTHON) -m tests.perf $(ARGS)

.PHONY: services
services: ## Start real PostgreSQL, Redis, Samba AD, FreeRADIUS and a mail catcher under var/services
	$(BOOTSTRAP)
	@$(VENV_PYTHON) -m portal.embedded.services up
	@echo "Their addresses: $(VENV_PYTHON) -m portal.embedded.services env"

.PHONY: services-down
services-down: ## Stop them; their data stays
	$(BOOTSTRAP)
	@exec $(VENV_PYTHON) -m portal.embedded.services down

.PHONY: messages
messages: ## Extract the texts for translation, and compile them
	$(BOOTSTRAP) --dev
	@$(VENV_PYTHON) manage.py makemessages --locale ja --no-location --no-wrap --ignore "tests/*" --ignore "var/*"
	@exec $(VENV_PYTHON) -m portal.embedded.catalogue compile

.PHONY: lock
lock: ## Resolve the lock files anew (needs uv on the machine)
	@for name in requirements requirements-embedded requirements-dev; do \
		uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
			"$$name.in" --output-file "$$name.txt" || exit 1; done
	@! grep -iE '^requests *[=@[]' requirements*.txt || { echo "PyPI's requests must not be locked (docs/adr/0003)" >&2; exit 1; }

.PHONY: clean
clean: ## Remove the virtual environment and all data of this folder (asks no question)
	@test ! -e $(VENV_PYTHON) || test ! -d var/services || $(VENV_PYTHON) -m portal.embedded.services down
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
