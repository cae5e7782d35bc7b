package invoke

// Merge is merge, for its table.
var Merge = merge

// NewCrew is newCrew.
var NewCrew = newCrew

// Dismiss is dismiss.
func (c *crew) Dismiss() { c.dismiss() }
