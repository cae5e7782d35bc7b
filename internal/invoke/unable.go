package invoke

import (
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// unable refuses what would have to run other actions, rather than run it as
// if it were alone. Sequences and compositions are not yet run.
func unable(a *entity.Action) error {
	what := ""
	switch {
	case a.Exec.Kind == entity.KindSequence:
		what = "Sequences"
	case a.Annotations.Truthy(entity.AnnotationConductor):
		what = "Compositions"
	default:
		return nil
	}
	return entity.Errorf(entity.Malformed,
		"%s cannot be run by this server yet. You may create, read and delete '%s' but not invoke it.", what, a.Name).WithCode(fault.NotYet)
}
