package fault

// The codes. The first digit groups them: 1 the request, 2 the action,
// 3 getting a container, 5 the host and the store.
const (
	BadKey          = "GW1001"
	KindMissing     = "GW1101"
	KindDeprecated  = "GW1102"
	KindUnknown     = "GW1103"
	Malformed       = "GW1201"
	CodeTooBig      = "GW1203"
	PayloadTooBig   = "GW1204"
	NotFound        = "GW1301"
	NotWebAction    = "GW1302"
	ProtectedParam  = "GW1303"
	NotEntitled     = "GW1304"
	RateLimit       = "GW1401"
	ConcurrentLimit = "GW1402"
	NotYet          = "GW1902"

	InitFailed        = "GW2001"
	NoMain            = "GW2002"
	MissingDependency = "GW2003"
	InitExited        = "GW2004"
	Timeout           = "GW2101"
	OutOfMemory       = "GW2102"
	InitTimeout       = "GW2103"
	Exited            = "GW2104"
	WrongResult       = "GW2105"
	ResultTooBig      = "GW2106"
	LogsTruncated     = "GW2107"
	ArchiveRefused    = "GW2201"
	FiredIntoNothing  = "GW2301"

	Provisioning = "GW3001"
	Overloaded   = "GW3002"

	CgroupNotDelegated  = "GW5001"
	UserNSForbidden     = "GW5002"
	PortInUse           = "GW5101"
	DiskFull            = "GW5201"
	SyncFailed          = "GW5202"
	StoreTooNew         = "GW5203"
	RecordCorrupted     = "GW5204"
	StoreLocked         = "GW5205"
	InterruptedByCrash  = "GW5206"
	InternalServerError = "GW5901"
)
