package knative

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// pod is what is asked of pods.
type pod struct {
	Status struct {
		Containers []struct {
			Name     string         `json:"name"`
			Restarts int            `json:"restartCount"`
			State    containerState `json:"state"`
			Last     containerState `json:"lastState"`
		} `json:"containerStatuses"`
	} `json:"status"`
}

type containerState struct {
	Waiting *struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"waiting"`
	Terminated *struct {
		Reason   string    `json:"reason"`
		ExitCode int       `json:"exitCode"`
		Message  string    `json:"message"`
		Finished time.Time `json:"finishedAt"`
	} `json:"terminated"`
}

// Which pods are meant: those of a revision, or the one of a name.
func ofRevision(revision string) metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: labelRevision + "=" + revision}
}
func ofName(name string) metav1.ListOptions {
	return metav1.ListOptions{FieldSelector: "metadata.name=" + name}
}

// pods are those that are meant. Who asks for the same ones at a time shares the answer.
func (b *Backend) pods(ctx context.Context, which metav1.ListOptions) ([]pod, error) {
	found, err, _ := b.flights.Do("pods of "+which.String(), func() (any, error) {
		list, err := b.cluster.resource(podResource).List(ctx, which)
		if err != nil {
			return nil, fmt.Errorf("list the pods of %s%s: %w", which.LabelSelector, which.FieldSelector, err)
		}
		var pods []pod
		for _, item := range list.Items {
			var p pod
			if runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &p) == nil { // another one may tell
				pods = append(pods, p)
			}
		}
		return pods, nil
	})
	if err != nil {
		return nil, err
	}
	pods, ok := found.([]pod)
	if !ok {
		return nil, fmt.Errorf("list the pods of %s%s: %T", which.LabelSelector, which.FieldSelector, found)
	}
	return pods, nil
}

// death is why a container of one of the pods ended since then, as soon as the cluster has noticed;
// empty if none did.
func (b *Backend) death(ctx context.Context, which metav1.ListOptions, since time.Time) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		pods, err := b.pods(ctx, which)
		if err != nil {
			return ""
		}
		for _, p := range pods {
			if reason := p.death(since); reason != "" {
				return reason
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ""
		}
	}
}

// death of the action's container since then. The cluster counts in seconds.
func (p pod) death(since time.Time) string {
	for _, c := range p.Status.Containers {
		if c.Name != "action" {
			continue
		}
		for _, s := range []containerState{c.State, c.Last} {
			if s.Terminated != nil && !s.Terminated.Finished.Before(since.Truncate(time.Second)) {
				return s.Terminated.Reason
			}
		}
	}
	return ""
}

// brokenError says that the container of a version does not come to serve: it ends before, each time.
type brokenError struct {
	why    string
	memory bool // it had too little
}

func (e *brokenError) Error() string     { return errRefused.Error() + ": " + e.why }
func (e *brokenError) Is(err error) bool { return err == errRefused }

// crashes ends the context that it returns, with a *brokenError as its cause, once the container of the
// version has ended twice before it served. Knative itself says so after ten minutes only. The caller calls stop.
func (b *Backend) crashes(ctx context.Context, p plan) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			pods, err := b.pods(ctx, ofRevision(p.revision()))
			if err != nil {
				continue // who waits has its own bound
			}
			for _, p := range pods {
				if broken := p.broken(); broken != nil {
					cancel(broken)
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// broken is set if the action's container has ended twice and does not run.
func (p pod) broken() *brokenError {
	for _, c := range p.Status.Containers {
		ended := c.Last.Terminated
		if c.State.Terminated != nil {
			ended = c.State.Terminated
		}
		if c.Name != "action" || c.Restarts == 0 || ended == nil || c.State.Waiting == nil && c.State.Terminated == nil {
			continue
		}
		why := fmt.Sprintf("its container ends with exit status %d", ended.ExitCode)
		if ended.Message != "" {
			why += ": " + ended.Message
		}
		return &brokenError{why: why, memory: ended.Reason == "OOMKilled"}
	}
	return nil
}
