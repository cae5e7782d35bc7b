// Package entity is the vocabulary of OpenWhisk: names, parameters, limits,
// actions, activations and identities, with their JSON forms and the exact
// texts that clients see when one of them is malformed.
//
// It imports the standard library alone and leaves storage, policy and
// transport to the layers above.
package entity
