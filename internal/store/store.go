// Package store declares what the platform keeps and what keeping means:
// five ports, each with its contract, and no implementation. storetest is
// the kit that every adapter passes.
//
// Errors of every port: *entity.Error for what a caller can act on
// (entity.ErrNotFound, ErrExists, ErrModified, ErrWrongType, ErrCorrupted and
// kind Unavailable when the medium refuses writes, such as a full disk); all
// other errors mean that the store itself failed. Implementations may be
// called concurrently, do not retain or change what they are given, and do
// not share what they return.
package store

import (
	"context"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Document is one entity as it is stored. Body is the entity's own JSON
// without code; the store does not look into it.
type Document struct {
	Name       entity.Name
	Collection entity.Collection
	Revision   uint64    // set by the store, never 0 once stored, never used twice for one name
	Updated    time.Time // whole milliseconds; lists are ordered by it
	Body       []byte
	CodeID     string // names the attached code; empty if there is none
}

// Change is one step of Entities.Apply: to put Document as Entities.Put does
// without new code, or to delete the document of that name and revision.
type Change struct {
	Document
	Delete bool
}

// EntityQuery selects documents of one collection. Package nil means the
// whole namespace, else only that package ("" for the default one).
type EntityQuery struct {
	Collection entity.Collection
	Namespace  string
	Package    *string
	Skip       int
	Limit      int // 0 means no limit
}

// Entities keeps actions, triggers, rules and packages. A name belongs to
// one document over all collections (OpenWhisk 1.8.6). Every write that
// returned nil survives a crash of the process and of the machine. Bodies,
// which hold parameters, and code are encrypted on the medium, under a key
// for each namespace.
type Entities interface {
	// Get returns the document of that name, of whatever collection. With
	// entity.ErrCorrupted it has what is known: its Collection, or nothing.
	Get(ctx context.Context, name entity.Name) (Document, error)

	// Put stores doc and returns its new revision. doc.Revision is the one
	// that the caller read, 0 to create: entity.ErrExists if the name is
	// taken then, entity.ErrModified if the stored revision is another.
	// code, if not nil, is attached under doc.CodeID; with nil the code that
	// doc.CodeID names must be there already. Code that no document names any
	// longer is removed.
	Put(ctx context.Context, doc Document, code []byte) (uint64, error)

	// Delete removes the document and its code if its revision is rev.
	Delete(ctx context.Context, name entity.Name, rev uint64) error

	// Apply makes several changes in one step: all of them or, if it errs,
	// none. The errors are those of Put and Delete for the first change that
	// cannot be made. It returns the new revisions in the order of changes, 0
	// for what was deleted. No two changes may be of one name.
	Apply(ctx context.Context, changes []Change) ([]uint64, error)

	// Discard removes whatever lies under that name, also a document that
	// cannot be read, with its code and its places in lists.
	Discard(ctx context.Context, name entity.Name) error

	// List returns the newest documents first, by Updated, then by name. One
	// that cannot be read has no Body, which no other lacks.
	List(ctx context.Context, q EntityQuery) ([]Document, error)

	// Count returns how many documents q matches; Skip and Limit are ignored.
	Count(ctx context.Context, q EntityQuery) (int, error)

	// Namespaces returns those that have a document of the collection, by name.
	Namespaces(ctx context.Context, c entity.Collection) ([]string, error)

	// Code returns the code attached under that id, entity.ErrNotFound if
	// it is gone.
	Code(ctx context.Context, name entity.Name, codeID string) ([]byte, error)
}

// ActivationQuery selects activations of one namespace. Local "" means all;
// Since and Upto bound Start inclusively, zero means open.
type ActivationQuery struct {
	Namespace   string
	Local       string
	Since, Upto time.Time
	Skip        int
	Limit       int  // 0 means no limit
	Docs        bool // with result and logs; else Response.Result and Logs may be empty
}

// Activations keeps the records of finished activations.
type Activations interface {
	// Put stores the record and, in the same step, removes the queued item
	// of that id. When it returns nil the record survives the death of the
	// process; if the activation was queued, the death of the machine too.
	// Concurrent calls share one write to the medium. A second record of the
	// same id replaces nothing: it is dropped.
	Put(ctx context.Context, a *entity.Activation) error

	// Get returns the full record.
	Get(ctx context.Context, namespace string, id entity.ActivationID) (*entity.Activation, error)

	// List returns the newest records first, by Start, then by id.
	List(ctx context.Context, q ActivationQuery) ([]*entity.Activation, error)

	// Count returns how many records q matches; Skip, Limit, Docs are ignored.
	Count(ctx context.Context, q ActivationQuery) (int, error)

	// Prune removes what started before the cutoff, then the oldest of all
	// until the records take no more than maxBytes on the medium (0: no
	// bound). It returns how many it removed and works in small steps.
	Prune(ctx context.Context, before time.Time, maxBytes int64) (int, error)
}

// Item is an accepted activation that has no record yet. Body is the
// engine's own encoding of what to run; what neighbours that are accepted
// together have in common may be Shared, and is kept once.
type Item struct {
	ID      entity.ActivationID
	Started bool // Start was called
	Body    []byte
	Shared  []byte
}

// Queue keeps accepted activations until they have a record. Enqueue and
// Start survive the death of process and machine once they return nil;
// concurrent calls share one write.
type Queue interface {
	// Enqueue adds an item.
	Enqueue(ctx context.Context, id entity.ActivationID, body []byte) error

	// Accept adds several items and, if record is not nil, the record of the
	// activation that caused them, and entries of the Registry, in one step:
	// all of it or, if it errs, nothing.
	Accept(ctx context.Context, items []Item, record *entity.Activation, entries ...Entry) error

	// Start marks the item: from now on it may have run.
	Start(ctx context.Context, id entity.ActivationID) error

	// Remove forgets an item that shall leave no record.
	Remove(ctx context.Context, id entity.ActivationID) error

	// Items calls visit for every item that there is at the first visit,
	// oldest first, until visit errs; visit may change the queue. The body of
	// an item that cannot be read is nil: it keeps no other from being visited.
	Items(ctx context.Context, visit func(Item) error) error
}

// Subjects keeps users and the limits of namespaces. Writes survive a crash
// of the machine. Keys are encrypted on the medium.
type Subjects interface {
	// Subject returns the subject of that name.
	Subject(ctx context.Context, name string) (entity.Subject, error)

	// PutSubject creates or replaces a subject. A namespace UUID that
	// belongs to another subject is refused with entity.ErrExists.
	PutSubject(ctx context.Context, s entity.Subject) error

	// DeleteSubject removes a subject with all its namespaces' keys.
	DeleteSubject(ctx context.Context, name string) error

	// SubjectOfKey returns the subject that has a namespace of that UUID.
	SubjectOfKey(ctx context.Context, uuid string) (entity.Subject, error)

	// SubjectsOf returns all subjects that have the namespace, by name.
	SubjectsOf(ctx context.Context, namespace string) ([]entity.Subject, error)

	// Limits returns the overrides of a namespace, entity.ErrNotFound if it
	// has none.
	Limits(ctx context.Context, namespace string) (entity.NamespaceLimits, error)

	// PutLimits replaces the overrides of a namespace.
	PutLimits(ctx context.Context, namespace string, l entity.NamespaceLimits) error

	// DeleteLimits removes the overrides of a namespace.
	DeleteLimits(ctx context.Context, namespace string) error
}

// Entry is one document of the platform's own: Kind is the part that owns it,
// such as "alarm", Key what that part calls it. Body is sealed on the medium.
type Entry struct {
	Kind, Key string
	Body      []byte
}

// Registry keeps small documents of the platform's own parts: the schedules of
// feeds, the APIs of the gateway. It knows no revisions: each kind has one
// owner in the process. Writes that returned nil survive a crash of the
// machine; concurrent calls share one write.
type Registry interface {
	// Entry returns the body, entity.ErrNotFound if there is none.
	Entry(ctx context.Context, kind, key string) ([]byte, error)

	// PutEntries creates or replaces entries, all in one step.
	PutEntries(ctx context.Context, entries ...Entry) error

	// DeleteEntries removes entries of a kind in one step; those that are not
	// there are no error.
	DeleteEntries(ctx context.Context, kind string, keys ...string) error

	// Entries calls visit for the entries of a kind whose key begins with
	// prefix, by key, until visit errs; visit may change the registry. A body
	// that cannot be read is nil.
	Entries(ctx context.Context, kind, prefix string, visit func(Entry) error) error
}
