package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

const (
	dialTime    = 10 * time.Second
	requestTime = 30 * time.Second
)

// Allow reports whether a user may have the server connect to that address.
// What it is asked is what is connected: names are resolved by then.
type Allow func(netip.AddrPort) bool

// options are those of every connection to the cluster.
func (c *Cluster) options(allow Allow) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("gowhisk"),
		kgo.Dialer(c.dialer(allow)),
		kgo.RequestTimeoutOverhead(dialTime),
		kgo.RetryTimeout(requestTime),
	}
	if c.User != "" {
		opts = append(opts, kgo.SASL(plain.Auth{User: c.User, Pass: c.Password}.AsMechanism()))
	}
	return opts
}

// connect returns a client of a cluster that answers. The caller closes it.
func (c *Cluster) connect(ctx context.Context, allow Allow, more ...kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(append(c.options(allow), more...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to %v: %w", c.Brokers, err)
	}
	if err := client.Ping(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("no broker of %v answers: %w", c.Brokers, err)
	}
	return client, nil
}

func (c *Cluster) dialer(allow Allow) func(context.Context, string, string) (net.Conn, error) {
	guarded := &net.Dialer{
		Timeout: dialTime,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if !allow(to) {
				return fmt.Errorf("connections to %s are not allowed", to)
			}
			return nil
		},
	}
	if c.TLS {
		return (&tls.Dialer{NetDialer: guarded, Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext
	}
	return guarded.DialContext
}
