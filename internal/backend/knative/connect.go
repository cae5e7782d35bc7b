package knative

import (
	"fmt"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Connect returns a client for the cluster that the file kubeconfig names, or for the one that this
// process runs in if it is empty, and the URL of its API server. It does not connect yet.
func Connect(kubeconfig, userAgent string) (dynamic.Interface, string, error) {
	config, err := clusterConfig(kubeconfig)
	if err != nil {
		return nil, "", err
	}
	config.UserAgent = userAgent
	config.QPS, config.Burst = 100, 200
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, "", fmt.Errorf("cluster %s: %w", config.Host, err)
	}
	return client, config.Host, nil
}

func clusterConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("find the cluster that this server runs in: %w", err)
		}
		return config, nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w", kubeconfig, err)
	}
	return config, nil
}
