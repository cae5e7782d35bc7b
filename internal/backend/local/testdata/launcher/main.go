// Command launcher is what a Factory under test starts for compiled actions
// and scripts: a small program without the race detector, which needs more
// memory than actions have.
package main

import "github.com/gowhisk/gowhisk/internal/backend/local"

func main() { local.Init() }
