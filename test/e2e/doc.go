// Package e2e meets a real cluster: images that gowhisk build makes become Knative Services, and what
// they answer is compared with what every other target answers. `make e2e` starts the cluster of
// test/cluster and runs it; without KUBECONFIG, REGISTRY and INGRESS its tests skip.
package e2e
