// Package trigger fires triggers: it turns one event into an activation of
// every active rule's action and the record that names them, all accepted in
// one durable step. Whoever fires, a client or a feed, comes through here.
package trigger
