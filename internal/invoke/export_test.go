package invoke

import "encoding/json"

// The parsers and merges, for their tables and fuzz targets.
var (
	Merge    = merge
	Over     = over
	StepName = stepName
)

// ReadTurn is readTurn.
func ReadTurn(result json.RawMessage) (action, params, state json.RawMessage) {
	t := readTurn(result)
	return t.action, t.params, t.state
}

// NewCrew is newCrew.
var NewCrew = newCrew

// Dismiss is dismiss.
func (c *crew) Dismiss() { c.dismiss() }
