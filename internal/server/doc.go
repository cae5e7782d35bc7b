// Package server puts the parts together: it opens the data directory and
// the listeners, joins store, policy, engines and backend into one program,
// says where it listens and stops in order. Everything it joins is built
// elsewhere; nothing here knows what an action is.
package server
