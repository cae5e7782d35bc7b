// Package imagebuild makes OCI images of actions: a runtime image (stage one: any base image and the
// proxy), and on it one layer of dependencies and one of code (stage two). It needs neither Docker
// nor a cluster, and the same input has the same digest on every machine and on every day. It reads
// and writes registries, OCI layouts and archives for `docker load`; what runs in the images is
// package actionproxy.
package imagebuild
