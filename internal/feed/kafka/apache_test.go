package kafka_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gowhisk/gowhisk/internal/feed/kafka"
)

// TestFeedOnApacheKafka runs the suite on the real broker in KRaft mode, which
// `make bin/kafka` fetches.
func TestFeedOnApacheKafka(t *testing.T) {
	w := apache(t)
	admin := admin(t, w.Cluster)
	for i, test := range suite {
		t.Run(test.name, func(t *testing.T) {
			w.topic = fmt.Sprintf("words-%d", i)
			if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, w.topic); err != nil {
				t.Fatal(err)
			}
			test.run(t, w)
		})
	}
}

// apache starts a broker on free ports and waits until it answers.
func apache(t *testing.T) world {
	t.Helper()
	jars, err := filepath.Abs("../../../bin/kafka")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(jars); err != nil {
		t.Skip("bin/kafka is missing: make bin/kafka fetches it where Maven is")
	}
	java, err := exec.LookPath("java")
	if err != nil {
		t.Skip("java is not installed")
	}
	dir, broker, controller := t.TempDir(), freePort(t), freePort(t)
	settings := filepath.Join(dir, "server.properties")
	lines := []string{
		"process.roles=broker,controller", "node.id=1",
		"listeners=PLAINTEXT://" + broker + ",CONTROLLER://" + controller,
		"advertised.listeners=PLAINTEXT://" + broker,
		"controller.quorum.voters=1@" + controller, "controller.listener.names=CONTROLLER",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + filepath.Join(dir, "log"), "auto.create.topics.enable=false",
		"offsets.topic.replication.factor=1", "offsets.topic.num.partitions=1",
		"transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
		"group.initial.rebalance.delay.ms=0",
	}
	if err := os.WriteFile(settings, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(class string, args ...string) *exec.Cmd {
		cmd := exec.Command(java, append([]string{"-Xmx256m", "-cp", jars + "/*", class}, args...)...)
		cmd.Stdout, cmd.Stderr, cmd.Dir = t.Output(), t.Output(), dir
		return cmd
	}
	if err := run("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", settings).Run(); err != nil {
		t.Fatalf("format the broker's storage: %v", err)
	}
	server := run("kafka.Kafka", settings)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	w := world{Cluster: kafka.Cluster{Brokers: kafka.Brokers{broker}}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	admin := admin(t, w.Cluster)
	for _, err := admin.BrokerMetadata(ctx); err != nil; _, err = admin.BrokerMetadata(ctx) {
		if ctx.Err() != nil {
			t.Fatalf("the broker does not answer: %v", err)
		}
	}
	return w
}

func admin(t *testing.T, c kafka.Cluster) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

// freePort is an address that nobody listened on a moment ago: the broker has
// to be told its ports.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
