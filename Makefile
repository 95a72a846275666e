# Two commands: `make demo` and `make test`. Each sets up what it needs in .venv, once.

BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-full lint bench docs constraints clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: ## Install everything into .venv (a second call installs nothing)
	@sh .ci/setup

demo: setup ## Drive a town by sentences, with a report and a film in runs/demo
	@$(BIN)/drivevla doctor
	@$(BIN)/drivevla demo

test: setup ## Run the fast tests (at most 8 minutes on two cores)
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

test-full: setup ## Run every test, the long ones too
	@$(BIN)/python -m pytest -m "slow or not slow" --timeout 1800

lint: setup ## Check format, style and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: setup ## Measure speed on this machine
	@$(BIN)/python -m drivevla.bench

docs: setup ## Build the documentation into site/
	@$(BIN)/zensical build --clean

constraints: ## Resolve the environment anew and write constraints.txt
	@sh .ci/constraints

clean: ## Remove everything that was made, the environment too
	rm -rf .venv site build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
