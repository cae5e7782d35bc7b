VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOLANGCI_LINT ?= go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
PKG ?= ./...
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help demo run build test script bench lint tidy

help: ## print this list
	@grep -hE '^[a-z]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: build ## start a server, create and invoke two actions with the real wsk, show what happened
	@go run ./test/demo

run: build ## serve on http://127.0.0.1:3233 until Ctrl-C
	@bin/gowhisk serve

# What every Node.js action can require, built in where npm is there, and the clients that are tested.
%/node_modules: %/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix $* --omit=dev --ignore-scripts --no-fund --no-audit --loglevel=error && touch $@; \
	else echo "npm is missing: nothing for $@"; fi

# The crates that Rust actions use, built in where cargo is there. The archive is the same everywhere.
runtimes/rust/crates.tar.gz: runtimes/rust/Cargo.lock
	@if command -v cargo >/dev/null; then dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	(cd runtimes/rust && cargo vendor --quiet --locked "$$dir" >/dev/null) && \
	tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -C "$$dir" -cf - . | gzip -9n > $@; \
	else echo "cargo is missing: Rust actions will fetch their crates"; fi

# Versions of languages beside the host's own, for the tests of kinds.
bin/kinds: tools/kinds/get tools/kinds/package-lock.json
	@if command -v npm >/dev/null; then tools/kinds/get $@; else echo "npm is missing: kinds are tested with the versions of this host"; fi

build: bin/wsk runtimes/nodejs/node_modules runtimes/rust/crates.tar.gz ## build bin/gowhisk, bin/actionproxy and bin/wsk
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/gowhisk ./cmd/gowhisk
	go build -trimpath -tags nethttpomithttp2 -ldflags '$(LDFLAGS)' -o bin/actionproxy ./cmd/actionproxy

# OpenWhisk's own command lines, unchanged; their modules stay out of the product's graph.
bin/wsk: tools/wsk/go.mod tools/wsk/go.sum
	go build -C tools/wsk -trimpath -ldflags '-s -w' -o '$(CURDIR)/bin/wsk' github.com/sciabarracom/openwhisk-cli
bin/wskdeploy: tools/wskdeploy/go.mod tools/wskdeploy/go.sum
	go build -C tools/wskdeploy -trimpath -ldflags '-s -w' -o '$(CURDIR)/bin/wskdeploy' github.com/apache/openwhisk-wskdeploy

# The broker that the tests of the Kafka feed start.
bin/kafka: tools/kafka/pom.xml
	@if command -v mvn >/dev/null; then rm -rf $@ && mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory='$(CURDIR)/$@' && touch $@; \
	else echo "mvn is missing: the Kafka feed will not be tested with Apache Kafka"; fi

test: bin/wsk bin/wskdeploy bin/kafka bin/kinds runtimes/nodejs/node_modules runtimes/rust/crates.tar.gz test/clients/node/node_modules ## every test with the race detector, scripts and public clients included (PKG=./internal/... narrows)
	CGO_ENABLED=1 go test -race $(PKG)
	@[ '$(PKG)' != ./... ] || { cat bin/tables/*; head -qn1 bin/clients/*; }

script: bin/wsk runtimes/nodejs/node_modules runtimes/rust/crates.tar.gz ## only the scripts against a live server (RUN=name narrows)
	CGO_ENABLED=1 go test -race ./test/script -run 'TestScript/$(RUN)'

bench: build ## compare with the machine's own floor; prints a table, writes bench.json (BENCH=-quick)
	@go run ./test/bench $(BENCH)

lint: ## go vet, gofmt and the linters of .golangci.yml
	@test -z "$$(gofmt -l cmd internal runtimes test)" || { gofmt -d cmd internal runtimes test; exit 1; }
	go vet ./...
	$(GOLANGCI_LINT) run

tidy: ## tidy every module
	go mod tidy
	cd tools/wsk && go mod tidy
	cd tools/wskdeploy && go mod tidy
