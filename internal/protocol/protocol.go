// Package protocol is the contract between the platform and an action's runtime, both ends:
// the bodies of POST /init and POST /run, the lines that travel over a launcher's pipes, and the
// texts that clients compare verbatim. It knows neither HTTP nor processes.
//
// A launcher reads requests from standard input and writes answers to file descriptor 3, one line
// of JSON each (a superset of OpenWhisk's ActionLoop protocol):
//
//	boot        launcher → {"ok":true}
//	init        platform → {"init":{"name","main","code","binary","env","dir"}}
//	            launcher → {"ok":true} or an error line
//	run, n ×    platform → the body of POST /run
//	            launcher → an answer line: [@activation_id ][!status ]json
//
// Where several activations are in flight and the init asked for frames, a launcher that knows which
// of them prints sends that output as lines too: @activation_id >1 "text" for stdout, >2 for stderr.
//
// Payloads are spliced as they are: nothing here decodes or re-encodes an action's arguments or result.
package protocol

// LogSentinel ends the log of one activation on stdout and on stderr of an action container.
// OpenWhisk 3.4.1.
const LogSentinel = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"

// AnswerFD is the file descriptor on which a launcher answers.
const AnswerFD = 3

// ExitOutOfMemory is the exit code of a launcher that was refused memory at a limit of its process:
// that of a shell's child that the kernel killed.
const ExitOutOfMemory = 137

// MaxArgument is the longest JSON text, in characters, that the skeleton passes as argv[1] too.
// OpenWhisk 3.8.5.
const MaxArgument = 131071

// Environment of an action container. OpenWhisk 3.2.3, 3.3.8, 3.6.8.
const (
	EnvAPIHost         = "__OW_API_HOST"
	EnvAllowConcurrent = "__OW_ALLOW_CONCURRENT"
	EnvWaitForAck      = "__OW_WAIT_FOR_ACK"
)

// Texts that runtimes answer and clients compare. OpenWhisk 3.6.5, 3.6.6, 3.7.1, 3.8.5.
const (
	AlreadyInitialized  = "Cannot initialize the action more than once."
	NoCode              = "Missing main/no code to execute."
	NotInitialized      = "no action defined yet"
	NodeNotInitialized  = "System not initialized."
	BadRequest          = "Bad request."
	BadBody             = "Error unmarshaling request: "
	NoBinary            = "The action failed to generate or locate a binary. See logs for details."
	CannotStart         = "Cannot start action. Check logs for details."
	CannotStartBecause  = "cannot start action: "
	DidNotInitialize    = "The action did not initialize properly."
	ExitedDuringInit    = "Command exited abruptly during initialization."
	CommandExited       = "command exited"
	NoDictionaryOrArray = "The action did not return a dictionary or array."
	NoArguments         = "The action did not receive a dictionary or array as an argument."
	StubAction          = "This is a stub action. Replace it with custom logic."
)
