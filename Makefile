# What a developer types. `make demo` in an empty clone needs make, Python 3.11 or newer, and nothing else.

PYTHON ?= python3
PIP = .venv/bin/python -m pip install -qq --no-input --disable-pip-version-check --root-user-action=ignore
CHROMIUM = $(shell command -v chromium)

# Modules of rules: values in, values out. Every branch of them is under test.
RULES = payouts/money.py,payouts/month.py,payouts/program/tiers.py,payouts/program/terms.py,$\
payouts/exchange/answers.py,payouts/exchange/credit_answers.py,payouts/exchange/eligibility.py,payouts/exchange/port.py,payouts/exchange/signing.py,$\
payouts/program/standing.py,payouts/program/broker_code.py,payouts/program/broker_file.py,$\
payouts/feed/record.py,payouts/feed/outcomes.py,payouts/feed/prepared.py,payouts/feed/quarantine_share.py,payouts/feed/verdict.py,payouts/feed/lines.py,payouts/feed/legible.py,$\
payouts/feed/csv_rows.py,payouts/monthend/formula.py,$\
payouts/monthend/calculation.py,payouts/monthend/corrections.py,payouts/monthend/what_if.py,payouts/monthend/arms.py,payouts/monthend/cap_cost.py,payouts/monthend/figures.py,payouts/ledger/entries.py,payouts/monthend/bounds.py,payouts/statements/document.py,payouts/statements/sheet.py,payouts/statements/signature.py,payouts/statements/verify_statement.py,$\
payouts/statements/pseudonym.py,payouts/volume/ladder.py,payouts/settlement/attempts.py,payouts/settlement/comparing.py,$\
payouts/desk/wording.py,portal/api/token_form.py,portal/health/signs.py,portal/team/roles.py,portal/preferences/topics.py,portal/statements/reading.py,portal/explain/asking.py,portal/explain/cursors.py,portal/staff/quarantine_beside.py,portal/staff/visible.py,portal/application/country_rules.py,portal/application/promise.py,portal/application/risk.py
RULE_FOLDERS = payouts portal/api portal/application portal/explain portal/health portal/preferences portal/staff portal/statements portal/team

# The tests of these rules. They run apart, because watching every branch costs half as much again.
RULE_TESTS = tests/payouts/desk/test_appeals.py tests/payouts/exchange/test_answers.py \
tests/payouts/exchange/test_credit_answers.py tests/payouts/exchange/test_credit_list_answers.py \
tests/payouts/exchange/test_eligibility.py tests/payouts/exchange/test_signing.py \
tests/payouts/feed/test_csv_rows.py tests/payouts/feed/test_legible.py tests/payouts/feed/test_lines.py tests/payouts/feed/test_quarantine_share.py tests/payouts/feed/test_races.py \
tests/payouts/feed/test_record_fields.py tests/payouts/feed/test_record_json.py \
tests/payouts/feed/test_rules.py tests/payouts/feed/test_together.py tests/payouts/ledger/test_entries.py tests/payouts/monthend/test_bounds.py \
tests/payouts/monthend/test_corrections.py tests/payouts/monthend/test_frozen.py \
tests/payouts/monthend/test_what_if.py tests/payouts/monthend/test_arms.py \
tests/payouts/monthend/test_cap_cost.py tests/portal/explain/test_asking.py \
tests/portal/explain/test_cursors.py \
tests/payouts/program/test_broker_file.py tests/payouts/program/test_rules.py \
tests/payouts/settlement/test_attempts.py tests/payouts/settlement/test_comparing.py \
tests/payouts/statements/test_sheet.py tests/payouts/statements/test_verify_statement.py \
tests/payouts/statements/test_verify_statement_figures.py \
tests/payouts/statements/test_verify_statement_file.py tests/payouts/test_money.py \
tests/payouts/test_month.py tests/payouts/volume/test_ladder.py tests/portal/api/test_token_form.py \
tests/portal/application/test_promise.py tests/portal/health/test_signs.py \
tests/portal/preferences/test_topics.py tests/portal/staff/test_quarantine_beside.py \
tests/portal/staff/test_quarantine_hostile.py tests/portal/staff/test_risk.py \
tests/portal/staff/test_risk_facts.py tests/portal/statements/test_statement.py

.PHONY: help install demo test check journeys faults bench

help:
	@echo "make demo      the whole portal with invented brokers, at http://localhost:8000"
	@echo "make test      what a developer waits for: all tests but the faults, and the rules' coverage"
	@echo "make check     format, lint, types, migrations, the order of the house"
	@echo "make journeys  the tests in a real browser"
	@echo "make faults    the tests that kill, freeze and restart servers, and the longest others"
	@echo "make bench     the bars of performance, measured side by side"
	@echo "make install   .venv with the locked requirements; all of the above do it when it is due"

install:
	@if cmp -s requirements.lock .venv/installed.lock && .venv/bin/python -c '' 2>/dev/null; then exit 0; fi; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "This needs Python 3.11 or newer: name one with PYTHON=…, for example PYTHON=python3.12." >&2; \
		exit 2; \
	}; \
	echo "Installing the locked requirements into .venv, about half a minute."; \
	rm -f .venv/installed.lock; \
	.venv/bin/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear .venv || exit 1; \
	$(PIP) --require-hashes -r requirements.lock && cp requirements.lock .venv/installed.lock

demo: install
	@.venv/bin/python manage.py demo

test: install
ifeq ($(CHROMIUM),)
	@echo "No Chromium here, so the browser journeys are left out; to get it: apt-get install chromium"
	@if [ "$$CI" = true ]; then echo "CI=true, so that is a failure." >&2; exit 1; fi
endif
	@.venv/bin/python -m pytest -q -n 3 --dist worksteal -m "not fault and not long" $(RULE_TESTS) \
		$(RULE_FOLDERS:%=--cov=%) --cov-report=
	@.venv/bin/python -m coverage report --include=$(RULES) --fail-under=100 --skip-covered
	@.venv/bin/python -m pytest -n 3 --dist worksteal -m "not fault and not long$(if $(CHROMIUM),, and not journey)" \
		$(RULE_TESTS:%=--ignore=%)

check: install
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy payouts portal
	@.venv/bin/python manage.py makemigrations --check --dry-run
	@.venv/bin/python -m pytest -q tests/house

journeys: install
	@.venv/bin/python -m pytest -n 2 -m journey

faults: install
	@.venv/bin/python -m pytest -m "fault or (long and not journey)"

bench: install
	@.venv/bin/python -m tests.bench
