package pebble_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// victimDir names the directory that the process to be killed writes to.
const victimDir = "GOWHISK_TEST_VICTIM_DIR"

func numberedID(n int) entity.ActivationID { return entity.ActivationID(fmt.Sprintf("%032x", n)) }

// TestAcknowledgedRecordsSurviveKill9 kills a process that writes soft
// records while it writes, again and again on the same store.
func TestAcknowledgedRecordsSurviveKill9(t *testing.T) {
	dir := t.TempDir()
	var all []int
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		acked := killAfter(t, dir, 1_000_000*(round+1), 50+37*round)
		all = append(all, acked...)
		if round == rounds-1 {
			acked = all
		}
		wantRecords(t, dir, acked)
	}
	t.Logf("%d acknowledged records in %d rounds", len(all), rounds)
}

func wantRecords(t *testing.T, dir string, acked []int) {
	t.Helper()
	db := open(t, dir, pebble.Options{})
	for _, n := range acked {
		if _, err := db.Activations().Get(t.Context(), "guest", numberedID(n)); err != nil {
			t.Errorf("acknowledged record %d: %v", n, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// killAfter starts a victim that counts from first on, kills it after that
// many acknowledgements and returns all that were made.
func killAfter(t *testing.T, dir string, first, acks int) (acked []int) {
	t.Helper()
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictimOfKill9$")
	victim.Env = append(os.Environ(), victimDir+"="+dir, "GOWHISK_TEST_VICTIM_FIRST="+strconv.Itoa(first))
	victim.Stderr = os.Stderr
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for count := 1; lines.Scan(); count++ {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("victim said %q", lines.Text())
		}
		acked = append(acked, n)
		if count == acks {
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := victim.Wait(); err == nil || victim.ProcessState.ExitCode() != -1 {
		t.Fatalf("victim ended by itself: %v", err)
	}
	return acked
}

// TestVictimOfKill9 is the process that is killed, not a test: it writes
// records for ever and says which were acknowledged.
func TestVictimOfKill9(t *testing.T) {
	dir := os.Getenv(victimDir)
	if dir == "" {
		t.Skip("is started by TestAcknowledgedRecordsSurviveKill9 only")
	}
	first, err := strconv.Atoi(os.Getenv("GOWHISK_TEST_VICTIM_FIRST"))
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, dir, pebble.Options{})
	var wg sync.WaitGroup
	for caller := range 8 {
		wg.Go(func() {
			for n := first + caller; ; n += 8 {
				if err := db.Activations().Put(t.Context(), record(numberedID(n), time.Now())); err != nil {
					t.Error(err)
					return
				}
				if _, err := fmt.Fprintln(os.Stdout, n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
