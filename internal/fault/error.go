package fault

import "errors"

// Error is a failure to start or to command the platform, told as a Report.
// The command line prints it as it is; requests use entity.Error.
type Error struct {
	Report Report
	Err    error // the cause, may be nil
}

// New makes an Error of that code. A code that is not in the registry is
// told as InternalServerError.
func New(code, why string, values map[string]string, cause error) *Error {
	f, ok := Explain(code)
	if !ok {
		f, _ = Explain(InternalServerError)
	}
	return &Error{Report: f.Report(why, values), Err: cause}
}

func (e *Error) Error() string { return e.Report.String() }

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the first Error in err's chain, "" if there is
// none.
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Report.Code
	}
	return ""
}
