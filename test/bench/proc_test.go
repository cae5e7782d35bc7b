package main

import (
	"os"
	"testing"
	"time"
)

func TestStatOfProcessWithStrangeName(t *testing.T) {
	got, err := parseStat([]byte("42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 99 0 0\n"))
	want := process{pid: 42, parent: 7, cpu: time.Second}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "42 S 7", "42 (x) S 7", "x (x) S 7 1 1 0 -1 0 1 2 3 4 10 20 30 40 20"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestTreeHoldsOwnProcess(t *testing.T) {
	found, err := tree(os.Getpid())
	if err != nil || len(found) == 0 || found[0].parent != os.Getppid() {
		t.Errorf("got %+v, %v", found, err)
	}
	if n, err := pss(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("PSS of this process: %d, %v", n, err)
	}
}
