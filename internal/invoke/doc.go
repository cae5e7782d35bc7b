// Package invoke runs accepted requests: it mints the activation id and the
// deadline, makes non-blocking work durable before it is acknowledged, hands
// the activation to an invoker and turns the result into the record. The path
// of an invocation reads top to bottom in service.go and execution.go; how a
// sequence or composition runs its parts is in composite.go.
//
// It leaves authentication, rights and throttling to the edge, and warm and
// cold containers to the invoker.
package invoke
