package clients

import (
	"net"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowhisk/gowhisk/test/live"
)

// redisAddress is where Redis listens: a private address, which the operator
// opens to actions; loopback is never open to them.
const redisAddress = "10.11.12.13"

// TestComposer compiles, deploys and runs compositions.
func TestComposer(t *testing.T) {
	s := newSuite(t, "openwhisk-composer")
	nodeModules(t)
	flags, env := plenty, []string{"HOME=" + t.TempDir()}
	if uri := startRedis(t); uri != "" {
		flags = append([]string{"--egress-allow", redisAddress + "/32"}, flags...)
		env = append(env, "REDIS_URI="+uri)
	}
	server := live.Start(t, t.TempDir()+"/data", flags...)
	s.runNode("composer.test.js", append(env, "GOWHISK_URL="+server.URL, "GOWHISK_KEY="+server.Key)...)
}

// startRedis moves the test into a network of its own, gives that the
// address and starts Redis there. What the test starts from now on is there,
// too. Where it cannot, it says so and returns "".
func startRedis(t *testing.T) (uri string) {
	t.Helper()
	for _, program := range []string{"redis-server", "redis-cli", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Logf("no Redis: %s is not on this host", program)
			return ""
		}
	}
	runtime.LockOSThread() // and never unlocks: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Logf("no Redis: no network of its own: %v", err)
		return ""
	}
	for _, args := range []string{"link set lo up", "addr add " + redisAddress + "/32 dev lo"} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	cmd := exec.Command("redis-server", "--bind", redisAddress, "--port", "6379", "--protected-mode", "no", "--save", "", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // killed
	})
	awaitListener(t, redisAddress+":6379")
	return "redis://" + redisAddress + ":6379"
}

// awaitListener waits until somebody listens. It asks from this thread's
// network.
func awaitListener(t *testing.T, address string) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-again.C {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return
		}
	}
	t.Fatalf("nobody listens at %s", address)
}
