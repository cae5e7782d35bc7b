package sandbox

import (
	"os"
	"strconv"
	"strings"
)

// resident adds up the resident memory of the tree's processes, in bytes. A
// process that ends meanwhile has none.
func (p *Process) resident() int64 {
	var pages int64
	for _, pid := range descendants(p.pid) {
		body, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
		if err != nil {
			continue
		}
		if f := strings.Fields(string(body)); len(f) > 1 {
			n, _ := strconv.ParseInt(f[1], 10, 64) // the kernel writes numbers
			pages += n
		}
	}
	return pages * int64(os.Getpagesize())
}
