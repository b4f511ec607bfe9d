# Every target installs what it needs. `make help` lists them.
SHELL := /bin/bash
GO ?= go
BIN := bin/foreshadow

.PHONY: help setup build test clients matrix soak queries demo demo-check bench lint fmt golden ci

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what building and testing need (a C++ compiler, PostgreSQL)
	@scripts/setup

build: setup ## build bin/foreshadow
	$(GO) build -o $(BIN) ./agent/cmd/foreshadow

test: setup ## run all tests
	@scripts/clients
	$(GO) test -timeout 20m $(TESTFLAGS) ./...
	@echo "not among them: psycopg2, asyncpg, SQLAlchemy, pandas, psqlODBC and node-postgres, which make clients runs"

clients: setup ## every real client against a primary and against the agent beside it: what they show must be the same
	@scripts/clients --all
	$(GO) test ./agent/e2e -run TestClients -count=1 -v -all-clients $(TESTFLAGS)

matrix: setup ## the core of the suite on several majors of PostgreSQL; MAJORS="14 18" names them (default 14 to 18)
	@scripts/majors $(MAJORS)

soak: setup ## random programs against a real primary until DURATION is over (default 1h) or one fails; SEED replays
	$(GO) test ./agent/ingest -run TestPrograms -count=1 -timeout 0 -soak $(or $(DURATION),1h) -soak-seed $(or $(SEED),0)

queries: setup ## random queries on a primary and through the agent until DURATION is over (default 1h) or too many differ; SEED replays
	$(GO) test ./agent/e2e -run TestRandomQueries -count=1 -timeout 0 -v -queries $(or $(DURATION),1h) -queries-seed $(or $(SEED),0)

demo: build ## a throw-away primary under load, an agent, and the walk to a predictive instance; stays up at the end
	@scripts/demo

demo-check: build ## the same walk unattended, each step checked, with figures
	@scripts/demo --check

bench: setup ## the benchmarks, as ratios against a reference in the same run
	@scripts/bench

lint: setup ## gofmt, go vet and the pinned golangci-lint
	@scripts/lint

fmt: ## format the Go code
	@git ls-files '*.go' | xargs gofmt -w

golden: setup ## rewrite the golden files from what the code does now; read the diff before committing it
	@scripts/golden

ci: ## what the continuous integration runs: the tests, then lint
	@.ci/run
