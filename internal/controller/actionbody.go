package controller

import (
	"encoding/json"
	"math"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/manifest"
)

// actionBody is the body of a PUT of an action; what it leaves out is nil.
// Members that it does not know are ignored. OpenWhisk 2.2.1, 2.2.2.
type actionBody struct {
	entityBody
	exec           *entity.Exec
	delAnnotations []string
	limits         entity.LimitsPatch
}

// decodeAction reads a valid JSON object. Errors come in OpenWhisk's order:
// shape, sizes, the rest. OpenWhisk 1.4.17.
func decodeAction(body []byte, kinds *manifest.Manifest, own string, maxParameters int64) (*actionBody, error) {
	in, out := members(body), &actionBody{}
	if raw := in["exec"]; raw != nil {
		exec, err := decodeExec(raw, kinds, own)
		if err != nil {
			return nil, err
		}
		out.exec = exec
	}
	if err := out.decodeLists(in); err != nil {
		return nil, err
	}
	if out.exec != nil && out.exec.CodeSize() > entity.MaxCodeSize {
		return nil, entity.LargerThanAllowed("exec", out.exec.CodeSize(), entity.MaxCodeSize).WithCode(fault.CodeTooBig)
	}
	if err := out.checkSizes(maxParameters); err != nil {
		return nil, err
	}
	return out, out.decodeRest(in)
}

func (b *actionBody) decodeRest(in map[string]json.RawMessage) error {
	if raw := in["delAnnotations"]; raw != nil {
		if json.Unmarshal(raw, &b.delAnnotations) != nil {
			return entity.MalformedContent("delAnnotations malformed!")
		}
	}
	if raw := in["limits"]; raw != nil {
		if err := b.limits.UnmarshalJSON(raw); err != nil {
			return err
		}
		clamp(b.limits.Timeout, math.MaxInt64/int64(time.Millisecond))
	}
	return b.decodeVersion(in)
}

// clamp keeps n where it can be turned into a duration; it is far outside any
// legal range there, too.
func clamp(n *int64, most int64) {
	if n != nil {
		*n = min(max(*n, -most), most)
	}
}

// checkRange compares the limits that the body names with what the namespace
// may ask for. OpenWhisk 2.5.2, 2.5.7.
func (b *actionBody) checkRange(r entity.LimitRange) error {
	fitting := entity.Limits{Timeout: r.MinTimeout, Memory: r.MinMemory, Logs: r.MinLogs, Concurrency: r.MinConcurrency}
	return r.Check(b.limits.Apply(fitting))
}
