package script

import (
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"
)

// kafka TOPIC… starts a Kafka cluster for the rest of the script; BROKERS are
// its addresses as JSON.
func kafka(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: kafka TOPIC…")
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, args...))
	ts.Check(err)
	ts.Defer(cluster.Close)
	ts.Setenv("BROKERS", `["`+strings.Join(cluster.ListenAddrs(), `","`)+`"]`)
}
