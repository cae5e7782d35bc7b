VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD_PROXY := go build -trimpath -tags 'nethttpomithttp2 nocrates' -ldflags '$(LDFLAGS)'
GOLANGCI_LINT ?= go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
PKG ?= ./...
EMBEDDED := runtimes/nodejs/node_modules.tar.gz runtimes/rust/crates.tar.gz
CLIENTS := bin/wsk bin/wskdeploy test/clients/node/node_modules
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help demo run build proxies test script e2e bench lint tidy

help: ## print this list
	@grep -hE '^[a-z0-9]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: build ## start a server, create and invoke two actions with the real wsk, show what happened
	@go run ./test/demo

run: build ## serve on http://127.0.0.1:3233 until Ctrl-C
	@bin/gowhisk serve

build: bin/wsk $(EMBEDDED) ## build bin/gowhisk, bin/actionproxy and bin/wsk
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/gowhisk ./cmd/gowhisk
	$(BUILD_PROXY) -o bin/actionproxy ./cmd/actionproxy

proxies: $(EMBEDDED) ## build bin/actionproxy-linux-{amd64,arm64}, for images of several platforms
	GOOS=linux GOARCH=amd64 $(BUILD_PROXY) -o bin/actionproxy-linux-amd64 ./cmd/actionproxy
	GOOS=linux GOARCH=arm64 $(BUILD_PROXY) -o bin/actionproxy-linux-arm64 ./cmd/actionproxy

test: $(EMBEDDED) $(CLIENTS) bin/kafka bin/kinds ## every test with the race detector, scripts and public clients included (PKG=./internal/... narrows)
	CGO_ENABLED=1 go test -race -count=1 -timeout 30m $(PKG)
	@[ '$(PKG)' != ./... ] || { go test -C test/chart -count=1 ./... && cat bin/tables/* && head -qn1 bin/clients/*; }

script: bin/wsk $(EMBEDDED) ## only the scripts against a live server (RUN=name narrows)
	CGO_ENABLED=1 go test -race ./test/script -run 'TestScript/$(RUN)'

e2e: $(EMBEDDED) bin/wsk bin/helm ## images as Knative Services on a real cluster; starts one unless KUBECONFIG is set (RUN=Name narrows)
	@test/e2e/run '$(RUN)'

bench: build ## compare with the machine's own floor; prints a table, writes bench.json (BENCH=-quick)
	@go run ./test/bench $(BENCH)

lint: ## go vet, gofmt and the linters of .golangci.yml
	@test -z "$$(gofmt -l cmd internal runtimes test)" || { gofmt -d cmd internal runtimes test; exit 1; }
	go vet ./...
	$(GOLANGCI_LINT) run

tidy: ## tidy every module
	for m in . tools/wsk tools/wskdeploy tools/schemas test/chart test/cluster/knative test/cluster/kube; do (cd $$m && go mod tidy) || exit 1; done

# OpenWhisk's own command lines, unchanged; their modules stay out of the product's graph.
bin/wsk: tools/wsk/go.mod tools/wsk/go.sum
	go build -C tools/wsk -trimpath -ldflags '-s -w' -o '$(CURDIR)/bin/wsk' github.com/sciabarracom/openwhisk-cli
bin/wskdeploy: tools/wskdeploy/go.mod tools/wskdeploy/go.sum
	go build -C tools/wskdeploy -trimpath -ldflags '-s -w' -o '$(CURDIR)/bin/wskdeploy' github.com/apache/openwhisk-wskdeploy

bin/helm: test/chart/go.mod test/chart/go.sum
	go build -C test/chart -trimpath -ldflags '-s -w' -o '$(CURDIR)/bin/helm' helm.sh/helm/v4/cmd/helm

# What the product embeds, and what the tests start beside it.
%/node_modules: %/package-lock.json
	@tools/fetch node $@
runtimes/nodejs/node_modules.tar.gz: runtimes/nodejs/package-lock.json
	@tools/fetch modules $@
runtimes/rust/crates.tar.gz: runtimes/rust/Cargo.lock
	@tools/fetch crates $@
bin/kafka: tools/kafka/pom.xml
	@tools/fetch kafka $@
bin/kinds: tools/kinds/get tools/kinds/package-lock.json
	@tools/fetch kinds $@
