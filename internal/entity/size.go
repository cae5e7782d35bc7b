package entity

// Sizes. A MB is what OpenWhisk's limits count memory and logs in.
const (
	KB int64 = 1 << 10
	MB int64 = 1 << 20
)

// System-wide sizes. OpenWhisk C.3.
const (
	MaxCodeSize      = 48 * MB // of an action's exec, as sent (base64 for archives)
	MaxParameterSize = 1 * MB  // of parameters, and again of annotations
	MaxPayloadSize   = 1 * MB  // of an invocation's body
	MaxResultSize    = 1 * MB  // of an activation's result
	MaxBodySize      = 50 * MB // of any request
)
