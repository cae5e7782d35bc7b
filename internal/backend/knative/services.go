package knative

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// service is what the cluster says of a Service, as far as we ask.
type service struct {
	Metadata struct {
		Name        string            `json:"name"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		Generation  int64             `json:"generation"`
		Deleted     string            `json:"deletionTimestamp"`
		Created     string            `json:"creationTimestamp"`
	} `json:"metadata"`
	Status struct {
		Observed    int64       `json:"observedGeneration"`
		LatestReady string      `json:"latestReadyRevisionName"`
		Latest      string      `json:"latestCreatedRevisionName"`
		Conditions  []condition `json:"conditions"`
		URL         string      `json:"url"`
		Address     struct {
			URL string `json:"url"`
		} `json:"address"`
	} `json:"status"`
}

type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// read decodes what the informer or an apply returned.
func read(o *unstructured.Unstructured) (service, error) {
	var s service
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &s)
	return s, err
}

func (s *service) condition(kind string) condition {
	for _, c := range s.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return condition{}
}

// is reports whether it is of that version.
func (s *service) is(p plan) bool {
	return s.Metadata.Deleted == "" && s.Metadata.Labels[labelTag] == p.tag
}

// serves reports whether requests reach that version, and no other.
func (s *service) serves(p plan) bool {
	return s.is(p) && s.Status.Observed == s.Metadata.Generation && s.Status.Address.URL != "" &&
		s.Status.LatestReady == p.revision() && s.condition("Ready").Status == "True"
}

// endsByItself reports whether what Knative calls the failure of a Revision ends by itself: its pods wait
// for room, in words of the scheduler, or for what the deleted Service of that name has left. For one that
// did not scale Knative itself waits ten minutes: of a Service that is younger, the deleted one's is meant.
func (s *service) endsByItself(message string) bool {
	if strings.Contains(message, "Initial scale was never achieved") {
		created, err := time.Parse(time.RFC3339, s.Metadata.Created)
		return err == nil && time.Since(created) < 5*time.Minute
	}
	return strings.Contains(message, " nodes are available: ") || strings.Contains(message, " that we do not own")
}

// failed is why that version will not serve, empty while it may.
func (s *service) failed(p plan) string {
	c := s.condition("ConfigurationsReady")
	if !s.is(p) || s.Status.Observed != s.Metadata.Generation || s.Status.Latest != p.revision() || c.Status != "False" || s.endsByItself(c.Message) {
		return ""
	}
	return strings.TrimSpace(c.Reason + ": " + c.Message)
}

// image is what the pods of it run; false if that is not known.
func (s *service) image() (i Image, ok bool) {
	err := json.Unmarshal([]byte(s.Metadata.Annotations[noteImage]), &i)
	return i, err == nil && i.Reference != ""
}

// host is the name in the cluster under which it is reached.
func (s *service) host() (*url.URL, error) { return url.Parse(s.Status.Address.URL) }

// action is whose it is; false if that cannot be read.
func (s *service) action() (entity.Name, bool) { return actionOf(s.Metadata.Annotations) }

// actionOf reads whose an object of ours is.
func actionOf(annotations map[string]string) (entity.Name, bool) {
	parts := strings.Split(strings.TrimPrefix(annotations[noteAction], "/"), "/")
	switch len(parts) {
	case 2:
		return entity.Name{Namespace: parts[0], Name: parts[1]}, true
	case 3:
		return entity.Name{Namespace: parts[0], Package: parts[1], Name: parts[2]}, true
	}
	return entity.Name{}, false
}

// services is what is known of ours.
type services struct {
	mu      sync.Mutex
	known   map[string]*service // guarded by mu; the values are never changed
	applied map[string]*applies // guarded by mu
	changed chan struct{}       // closed with every change; guarded by mu
}

// applies are what we wrote to one Service.
type applies struct {
	last int64            // generation after the last one
	of   map[string]int64 // generations by tag of the version, of late
}

func newServices() *services {
	return &services{known: map[string]*service{}, applied: map[string]*applies{}, changed: make(chan struct{})}
}

// set remembers one.
func (s *services) set(one *service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[one.Metadata.Name] = one
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *services) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, name)
	delete(s.applied, name)
	close(s.changed)
	s.changed = make(chan struct{})
}

// get returns one, nil if there is none, and what is closed when anything changes.
func (s *services) get(name string) (*service, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[name], s.changed
}

// of returns those of an action.
func (s *services) of(name entity.Name) []*service {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*service
	for _, one := range s.known {
		if action, ok := one.action(); ok && action == name {
			found = append(found, one)
		}
	}
	return found
}

// within returns the actions in a package, and those that came through a binding of that name.
func (s *services) within(pkg entity.Name) []entity.Name {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []entity.Name
	for _, one := range s.known {
		at, ok := one.place()
		if ok && (at.Binding == pkg || at.Action.Package == pkg.Name && at.Action.Namespace == pkg.Namespace) {
			found = append(found, at.Action)
		}
	}
	return found
}

// own notes the generation that we made, of the version with that tag.
func (s *services) own(name, tag string, generation int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.applied[name]
	if a == nil || len(a.of) == 100 {
		a = &applies{of: map[string]int64{}}
		s.applied[name] = a
	}
	a.last, a.of[tag] = generation, generation
}

// disown notes that somebody changed what we made.
func (s *services) disown(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.applied[name]; a != nil {
		a.last = 0
	}
}

// replaced reports whether another version has come after the one that we applied.
func (s *services) replaced(p plan) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, a := s.known[p.service], s.applied[p.service]
	if now == nil || now.is(p) || a == nil {
		return false
	}
	made, ok := a.of[p.tag]
	return ok && now.Metadata.Generation >= made
}

// foreign reports whether somebody else may have written the Service since we did, which is so for
// all that an earlier process left.
func (s *services) foreign(one *service) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.applied[one.Metadata.Name]
	return a == nil || a.last != one.Metadata.Generation
}

// wait returns what good makes of the Service, as soon as it makes something.
func (s *services) wait(ctx context.Context, name string, good func(*service) (done bool, err error)) error {
	for {
		one, changed := s.get(name)
		if one != nil {
			if done, err := good(one); done || err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
