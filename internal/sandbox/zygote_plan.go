package sandbox

// cellPlan is the part of a plan that a fork needs beside the launcher's.
type cellPlan struct {
	MaskFiles []string
	MaskDirs  []string
	Landlock  *cellRules
	Sources   string // that the zygote sees as /tmp
}

// cellRules is a Landlock ruleset, as numbers for the kernel.
type cellRules struct {
	Attributes []uint64
	Beneath    []cellRule
}

type cellRule struct {
	Path   string
	Rights uint64
}

func newCellPlan(p *plan, sources string) *cellPlan {
	c := &cellPlan{Sources: sources, MaskFiles: maskedFiles[:], MaskDirs: maskedDirs[:]}
	if p.Landlock == 0 {
		return c
	}
	attr, size := landlockAttr(p)
	all := []uint64{attr.Handled_access_fs, attr.Handled_access_net, attr.Scoped}
	c.Landlock = &cellRules{Attributes: all[:size/8]}
	for _, b := range beneath(p) {
		c.Landlock.Beneath = append(c.Landlock.Beneath, cellRule{b.path, b.rights})
	}
	return c
}
