package apigateway

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// node is a place in the tree of a tenant's paths, reached by one segment
// from the one above it. The zero value has no paths.
type node struct {
	literal  map[string]*node
	patterns []*pattern // parameters with text around them, in the order of the paths
	any      *node      // a parameter alone
	route    *route     // nil if no path ends here
}

// pattern is a segment such as "{name}.json".
type pattern struct {
	prefix, suffix string
	node           *node
}

// route is one path of an API.
type route struct {
	operations map[string]*backend // by upper-case method
	cors       *bool               // whether the gateway answers for CORS; nil leaves it to the action
}

// compile makes the tree of the APIs; hosts are the names of this server. Of
// paths that are the same, the one with
// the longer base path is served.
func compile(all []*api, hosts []string) *node {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *api) int { return cmp.Compare(len(b.basePath), len(a.basePath)) })
	root := &node{}
	for _, a := range all {
		backends := backendsOf(a.Document, hosts)
		var answers *bool
		if enabled, ok := a.Document.configuration().at("cors", "enabled").(bool); ok {
			answers = &enabled
		}
		paths := slices.Sorted(maps.Keys(a.Document.object("paths")))
		for _, path := range paths {
			members, _ := a.Document.at("paths", path).(map[string]any)
			r := &route{operations: map[string]*backend{}, cors: answers}
			for name, operation := range members {
				if isVerb(name) {
					r.operations[strings.ToUpper(name)] = backends.of(operation)
				}
			}
			root.add(segments(a.basePath+path), r)
		}
	}
	return root
}

func (n *node) add(way []string, r *route) {
	if len(way) == 0 {
		if n.route == nil {
			n.route = r
		}
		return
	}
	n.below(way[0]).add(way[1:], r)
}

// below returns the node that the segment of a path leads to.
func (n *node) below(segment string) *node {
	if !parameter.MatchString(segment) {
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		if n.literal[segment] == nil {
			n.literal[segment] = &node{}
		}
		return n.literal[segment]
	}
	if parameter.FindString(segment) == segment {
		if n.any == nil {
			n.any = &node{}
		}
		return n.any
	}
	at := parameter.FindStringIndex(segment)
	prefix, suffix := segment[:at[0]], segment[at[1]:]
	for _, p := range n.patterns {
		if p.prefix == prefix && p.suffix == suffix {
			return p.node
		}
	}
	p := &pattern{prefix, suffix, &node{}}
	n.patterns = append(n.patterns, p)
	return p.node
}

func (p *pattern) matches(segment string) bool {
	return len(segment) > len(p.prefix)+len(p.suffix) && strings.HasPrefix(segment, p.prefix) && strings.HasSuffix(segment, p.suffix)
}

// match returns the path that leads farthest into the request's, and how many
// segments it has: what is behind them goes to the action. Of equally long
// ones it is that with a literal segment where the others have a parameter.
func (n *node) match(way []string) (found *route, length int) {
	found = n.route
	if len(way) == 0 {
		return found, 0
	}
	for _, next := range n.candidates(way[0]) {
		r, below := next.match(way[1:])
		if r == nil || found != nil && below+1 <= length {
			continue
		}
		found, length = r, below+1
		if length == len(way) { // nothing can be longer
			break
		}
	}
	return found, length
}

// candidates are the nodes that a segment of a request leads to, best first.
func (n *node) candidates(segment string) []*node {
	var all []*node
	if next := n.literal[segment]; next != nil {
		all = append(all, next)
	}
	for _, p := range n.patterns {
		if p.matches(segment) {
			all = append(all, p.node)
		}
	}
	if n.any != nil {
		all = append(all, n.any)
	}
	return all
}
