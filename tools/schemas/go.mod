// Nothing is built here: tests read the schemas of the objects that gowhisk prints from these modules.
module github.com/gowhisk/gowhisk/tools/schemas

go 1.26.0

require (
	github.com/shipwright-io/build v0.19.2
	github.com/tektoncd/pipeline v1.10.0
	knative.dev/serving v0.50.0
)
