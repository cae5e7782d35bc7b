package knative

import (
	"context"
	"net"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// podSeen is what the cluster says of a pod of ours, as far as we ask.
type podSeen struct {
	Metadata struct {
		Name        string            `json:"name"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		Deleted     string            `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec struct {
		Containers []struct {
			Ports []struct {
				Number int `json:"containerPort"`
			} `json:"ports"`
		} `json:"containers"`
	} `json:"spec"`
	Status struct {
		Phase      string      `json:"phase"`
		IP         string      `json:"podIP"`
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

// ready reports whether it takes requests.
func (p *podSeen) ready() bool {
	if p.ends() || p.Status.IP == "" {
		return false
	}
	for _, c := range p.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}

// ends reports whether it is about to go, or has ended; failed whether by itself.
func (p *podSeen) ends() bool { return p.Metadata.Deleted != "" || p.failed() }

func (p *podSeen) failed() bool {
	return p.Metadata.Deleted == "" && (p.Status.Phase == "Failed" || p.Status.Phase == "Succeeded")
}

// address is where its first container listens.
func (p *podSeen) address() string {
	port := cellPort
	if len(p.Spec.Containers) > 0 && len(p.Spec.Containers[0].Ports) > 0 {
		port = p.Spec.Containers[0].Ports[0].Number
	}
	return net.JoinHostPort(p.Status.IP, strconv.Itoa(port))
}

// stemCell is what the annotations say that a cell was made for.
func (p *podSeen) stemCell() StemCell {
	memory, _ := strconv.ParseInt(p.Metadata.Annotations[noteMemory], 10, 64) // none: of no use, so it goes
	return StemCell{Kind: p.Metadata.Annotations[noteKind], Memory: memory}
}

// readiness is which pods of Revisions take requests.
type readiness struct {
	mu      sync.Mutex
	ready   map[string]map[string]bool // by Revision and name; guarded by mu
	changed chan struct{}              // closed with every change; guarded by mu
}

func newReadiness() *readiness {
	return &readiness{ready: map[string]map[string]bool{}, changed: make(chan struct{})}
}

// set remembers whether a pod takes requests.
func (r *readiness) set(revision, name string, ready bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ready[revision][name] == ready {
		return
	}
	if ready && r.ready[revision] == nil {
		r.ready[revision] = map[string]bool{}
	}
	if ready {
		r.ready[revision][name] = true
	} else if delete(r.ready[revision], name); len(r.ready[revision]) == 0 {
		delete(r.ready, revision)
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// of counts those of a Revision; changed is closed when any number changes.
func (r *readiness) of(revision string) (n int, changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ready[revision]), r.changed
}

const labelRevision = "serving.knative.dev/revision"

// watchPods keeps what is known of our pods as the cluster has it.
func (b *Backend) watchPods(ctx context.Context) {
	b.cells.seen = b.cluster.watch(ctx, &b.workers, podResource, func(u *unstructured.Unstructured) {
		p, err := readPod(u)
		if err != nil {
			b.opt.Logger.Error("a pod cannot be read", "pod", u.GetName(), "error", err)
			return
		}
		if _, isCell := p.Metadata.Labels[labelCell]; isCell {
			b.cells.see(p)
			return
		}
		b.readiness.set(p.Metadata.Labels[labelRevision], p.Metadata.Name, p.ready())
	}, func(u *unstructured.Unstructured) {
		if _, isCell := u.GetLabels()[labelCell]; isCell {
			b.cells.miss(u.GetName())
			return
		}
		b.readiness.set(u.GetLabels()[labelRevision], u.GetName(), false)
	})
}
