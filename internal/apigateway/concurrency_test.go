package apigateway_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/internal/apigateway"
)

// Changes of one API at the same time lose nothing, and a request finds what
// had been acknowledged.
func TestPathsAddedAtTheSameTimeAreAllServed(t *testing.T) {
	w := newWorld(t)
	root := "/api/" + apigateway.TenantOf("guest") + "/a"
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			own := &world{t: t, g: w.g} // its own log
			path := fmt.Sprintf("/p%d", i)
			own.as("guest", w.g.CreateAPI, endpoint("/a", path, "GET", "x"))
			if got := own.get("GET", root+path); !strings.HasPrefix(got, "200 ") {
				t.Errorf("%s: %s", path, got)
			}
		})
	}
	all.Wait()
	if got := w.paths("guest", "/a"); got != "1 APIs, /a with 8 paths and 8 cases" {
		t.Errorf("there are %s", got)
	}
}
