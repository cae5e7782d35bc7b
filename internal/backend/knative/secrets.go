package knative

import (
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// secrets are the names of those that the cluster has of ours.
type secrets struct {
	mu     sync.Mutex
	known  map[string]bool // guarded by mu
	making map[string]int  // deployments that need them; guarded by mu
}

// hold keeps a Secret from being pruned before its Service is known.
func (s *secrets) hold(name string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.making == nil {
		s.making = map[string]int{}
	}
	s.making[name]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.making[name]--; s.making[name] == 0 {
			delete(s.making, name)
		}
	}
}

func (s *secrets) held(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.making[name] > 0
}

func (s *secrets) set(name string, there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]bool{}
	}
	if there {
		s.known[name] = true
	} else {
		delete(s.known, name)
	}
}

func (s *secrets) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[name]
}

func (b *Backend) seeSecret(u *unstructured.Unstructured) { b.secrets.set(u.GetName(), true) }

// missSecret has the action looked after that the Secret was of. Pods that run have it; new ones do
// not start without.
func (b *Backend) missSecret(u *unstructured.Unstructured) {
	b.secrets.set(u.GetName(), false)
	if name, ok := actionOf(u.GetAnnotations()); ok {
		b.queue.Add(name)
	}
}
