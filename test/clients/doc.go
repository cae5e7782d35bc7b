// Package clients runs public clients of OpenWhisk, unchanged and of fixed
// versions, against a fresh server: wskdeploy, and from npm openwhisk,
// openwhisk-composer and serverless with serverless-openwhisk. The cases of
// the first and the last are here; those of the libraries are in node/cases.
package clients
