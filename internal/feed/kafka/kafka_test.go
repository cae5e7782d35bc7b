package kafka_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gowhisk/gowhisk/internal/feed/kafka"
)

const patience = 20 * time.Second

// world is a cluster with one empty topic of one partition.
type world struct {
	kafka.Cluster
	topic string
}

// suite is what holds on every cluster.
var suite = []struct {
	name string
	run  func(t *testing.T, w world)
}{
	{"MessagesFireTheTriggerFromItsCreationOn", firesFromCreationOn},
	{"MessagesOfADowntimeAreFiredLater", firesWhatWasMissed},
	{"MessagesWaitForATriggerThatTakesNoneNow", waitsForTheTrigger},
	{"AConsumerEndsWhenItsTriggerIsGoneAndLosesNothing", endsWithItsTrigger},
	{"AMessageTooLargeForAnEventSaysSo", saysWhatIsTooLarge},
	{"ATopicThatIsNotThereIsRefusedAtOnce", refusesUnknownTopics},
	{"ProducedMessagesArrive", produces},
	{"AForgottenGroupBeginsAnew", forgets},
}

// TestFeedOnAClusterInTheProcess needs nothing from the host.
func TestFeedOnAClusterInTheProcess(t *testing.T) {
	for _, test := range suite {
		t.Run(test.name, func(t *testing.T) { test.run(t, inProcess(t)) })
	}
}

func inProcess(t *testing.T) world {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "words"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return world{kafka.Cluster{Brokers: c.ListenAddrs()}, "words"}
}

func anywhere(netip.AddrPort) bool { return true }

// send produces values, in order.
func (c world) send(t *testing.T, values ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, v := range values {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: c.topic, Key: []byte("k"), Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

type message struct {
	Partition int
	Key       *string
	Offset    int
	Topic     string
	Value     any
	Error     string
}

var (
	errBusy = errors.New("busy")
	errGone = errors.New("gone")
)

// listener is a consumer whose fires arrive on a channel.
type listener struct {
	kafka.Consumer
	fired  chan []message
	refuse chan error // what the next fires answer; empty means nil
	ended  chan error
	stop   context.CancelFunc
}

func (c world) listen(t *testing.T, s kafka.Source) *listener {
	t.Helper()
	s.Cluster, s.Topic = c.Cluster, c.topic
	l := &listener{fired: make(chan []message, 100), refuse: make(chan error, 10), ended: make(chan error, 1)}
	l.Consumer = kafka.Consumer{
		Source: s, Group: "gowhisk-" + c.topic, Allow: anywhere, MaxSize: 1 << 20, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Permanent: func(err error) bool { return errors.Is(err, errGone) },
		Fire: func(_ context.Context, payload json.RawMessage) error {
			select {
			case err := <-l.refuse:
				return err
			default:
			}
			var event struct{ Messages []message }
			if err := json.Unmarshal(payload, &event); err != nil {
				t.Errorf("payload %s: %v", payload, err)
			}
			l.fired <- event.Messages
			return nil
		},
	}
	if err := l.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.start(t)
	return l
}

func (l *listener) start(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	l.stop = stop
	go func() { l.ended <- l.Run(ctx) }()
	t.Cleanup(stop)
}

func (l *listener) wantEnd(t *testing.T, want error) {
	t.Helper()
	select {
	case err := <-l.ended:
		if !errors.Is(err, want) {
			t.Errorf("Run returned %v, want %v", err, want)
		}
	case <-time.After(patience):
		t.Fatal("Run does not return")
	}
}

// wantValues waits for messages with these values, over any number of fires,
// whose offsets go on from the given one.
func (l *listener) wantValues(t *testing.T, offset int, want ...any) {
	t.Helper()
	var got []any
	for len(got) < len(want) {
		select {
		case batch := <-l.fired:
			for _, m := range batch {
				if m.Offset != offset || m.Topic != l.Source.Topic || m.Partition != 0 || m.Key == nil {
					t.Errorf("got %+v, want offset %d", m, offset)
				}
				got = append(got, m.Value)
				offset++
			}
		case <-time.After(patience):
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func firesFromCreationOn(t *testing.T, w world) {
	w.send(t, "before")
	l := w.listen(t, kafka.Source{})
	w.send(t, "one", "two", "three")
	l.wantValues(t, 1, "one", "two", "three")
}

func firesWhatWasMissed(t *testing.T, w world) {
	l := w.listen(t, kafka.Source{})
	l.stop() // before it has committed anything
	l.wantEnd(t, nil)
	w.send(t, "missed")
	l.start(t)
	l.wantValues(t, 0, "missed")
	w.send(t, "seen")
	l.wantValues(t, 1, "seen")
	l.stop()
	l.wantEnd(t, nil)
	w.send(t, "missed again")
	if err := l.Prepare(t.Context()); err != nil { // an update begins nothing anew
		t.Fatal(err)
	}
	l.start(t)
	l.wantValues(t, 2, "missed again")
}

func waitsForTheTrigger(t *testing.T, w world) {
	l := w.listen(t, kafka.Source{})
	l.refuse <- errBusy
	l.refuse <- errBusy
	w.send(t, "one")
	l.wantValues(t, 0, "one")
}

func endsWithItsTrigger(t *testing.T, w world) {
	l := w.listen(t, kafka.Source{})
	l.refuse <- errGone
	w.send(t, "one")
	l.wantEnd(t, errGone)
	l.start(t)
	l.wantValues(t, 0, "one")
}

func TestValuesTakeTheFormThatTheFeedAsksFor(t *testing.T) {
	for _, row := range []struct {
		source kafka.Source
		sent   string
		want   any
	}{
		{kafka.Source{}, `{"a":1}`, `{"a":1}`},
		{kafka.Source{JSON: true}, `{"a":1}`, map[string]any{"a": 1.0}},
		{kafka.Source{JSON: true}, `[1]`, []any{1.0}},
		{kafka.Source{JSON: true}, `{"a":`, `{"a":`},
		{kafka.Source{BinaryValue: true, BinaryKey: true}, "\x00\xff", "AP8="},
		{kafka.Source{}, "a\xffb", "a\ufffdb"},
	} {
		w := inProcess(t)
		l := w.listen(t, row.source)
		w.send(t, row.sent)
		l.wantValues(t, 0, row.want)
		l.stop()
	}
}

func saysWhatIsTooLarge(t *testing.T, w world) {
	l := w.listen(t, kafka.Source{})
	l.stop()
	l.wantEnd(t, nil)
	l.MaxSize = 300
	w.send(t, "small", strings.Repeat("x", 400), "after")
	l.start(t)
	var got []message
	for len(got) < 3 {
		select {
		case batch := <-l.fired:
			got = append(got, batch...)
		case <-time.After(patience):
			t.Fatalf("got %+v", got)
		}
	}
	if got[0].Value != "small" || got[1].Value != nil || !strings.Contains(got[1].Error, "400 bytes") || got[2].Value != "after" {
		t.Errorf("got %+v", got)
	}
}

func refusesUnknownTopics(t *testing.T, w world) {
	l := kafka.Consumer{Source: kafka.Source{Cluster: w.Cluster, Topic: "nothing"}, Group: "g", Allow: anywhere}
	if err := l.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "'nothing'") {
		t.Errorf("got %v", err)
	}
}

func TestBrokersAreReachedOnlyWhereItIsAllowed(t *testing.T) {
	w := inProcess(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var asked netip.AddrPort
	nowhere := func(a netip.AddrPort) bool { asked = a; return false }
	l := kafka.Consumer{Source: kafka.Source{Cluster: w.Cluster, Topic: w.topic}, Group: "g", Allow: nowhere}
	if err := l.Prepare(ctx); err == nil || !strings.Contains(err.Error(), "not allowed") {
		t.Errorf("Prepare: %v", err)
	}
	if asked.String() != w.Brokers[0] {
		t.Errorf("asked for %s, want %s", asked, w.Brokers[0])
	}
	if _, _, err := kafka.Produce(ctx, parameters(t, w, `"value":"x"`), nowhere); err == nil || !strings.Contains(err.Error(), "not allowed") {
		t.Errorf("Produce: %v", err)
	}
}

func parameters(t *testing.T, c world, more string) json.RawMessage {
	t.Helper()
	brokers, err := json.Marshal(c.Brokers)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"brokers":%s,"topic":%q,%s}`, brokers, c.topic, more)
}

func produces(t *testing.T, w world) {
	l := w.listen(t, kafka.Source{BinaryValue: true})
	for n, row := range []struct{ params, want string }{
		{`"key":"k","value":"text"`, "dGV4dA=="},
		{`"key":"k","value":{"a":1}`, "eyJhIjoxfQ=="},
		{`"key":"aw==","base64DecodeKey":true,"value":"AP8=","base64DecodeValue":true`, "AP8="},
	} {
		_, offset, err := kafka.Produce(t.Context(), parameters(t, w, row.params), anywhere)
		if err != nil || offset != int64(n) {
			t.Fatalf("Produce %s: offset %d, %v", row.params, offset, err)
		}
		l.wantValues(t, n, row.want)
	}
}

func forgets(t *testing.T, w world) {
	l := w.listen(t, kafka.Source{})
	w.send(t, "one")
	l.wantValues(t, 0, "one")
	l.stop()
	l.wantEnd(t, nil)
	w.send(t, "two")
	if err := l.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.start(t)
	w.send(t, "three")
	l.wantValues(t, 2, "three")
}
