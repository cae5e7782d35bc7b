package pebble

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// documentVersion begins every document; what is of sharedVersion was sealed
// under the one key that all namespaces shared in format 1.
const (
	documentVersion = 3
	sharedVersion   = 2
)

// nameKey appends a name such that no two names share a key.
func nameKey(k []byte, n entity.Name) []byte {
	return append(appendString(appendString(k, n.Namespace), n.Package), n.Name...)
}

func documentKey(n entity.Name) []byte { return nameKey([]byte{spaceDocument}, n) }

// newestPrefix begins the keys of one collection in one namespace.
func newestPrefix(c entity.Collection, namespace string) []byte {
	return appendString(appendString([]byte{spaceNewest}, string(c)), namespace)
}

// packagePrefix begins the keys of one collection in one package.
func packagePrefix(c entity.Collection, namespace, pkg string) []byte {
	return appendString(appendString(appendString([]byte{spaceInPackage}, string(c)), namespace), pkg)
}

func newestKey(doc store.Document) []byte {
	k := appendDescending(newestPrefix(doc.Collection, doc.Name.Namespace), instant(doc.Updated))
	return append(k, doc.Name.Local()...)
}

func inPackageKey(doc store.Document) []byte {
	k := packagePrefix(doc.Collection, doc.Name.Namespace, doc.Name.Package)
	return append(appendDescending(k, instant(doc.Updated)), doc.Name.Name...)
}

// setDocument puts doc and its places in lists into batch. The body is
// sealed under the namespace's key: it holds parameters, which hold secrets.
func setDocument(batch *pebble.Batch, seal *Seal, key []byte, doc store.Document) error {
	v := append(make([]byte, 0, len(doc.Body)+64), documentVersion)
	v = appendString(v, string(doc.Collection))
	v = binary.AppendUvarint(v, doc.Revision)
	v = binary.BigEndian.AppendUint64(v, instant(doc.Updated))
	v = appendString(v, doc.CodeID)
	v = appendBytes(v, seal.Namespace(doc.Name.Namespace).Close(doc.Body, key))
	return errors.Join(
		batch.Set(key, v, nil),
		batch.Set(newestKey(doc), binary.AppendUvarint(nil, uint64(len(doc.Name.Package))), nil),
		batch.Set(inPackageKey(doc), nil, nil))
}

// dropOld puts into batch the removal of what was old's and is not next's;
// the zero next has nothing.
func dropOld(batch *pebble.Batch, old, next store.Document) error {
	var err error
	if instant(old.Updated) != instant(next.Updated) || next.Collection == "" {
		err = errors.Join(batch.Delete(newestKey(old), nil), batch.Delete(inPackageKey(old), nil))
	}
	if old.CodeID != "" && old.CodeID != next.CodeID {
		err = errors.Join(err, dropCode(batch, old.Name, old.CodeID))
	}
	return err
}

// decodeDocument reads what setDocument wrote. If it cannot read the body
// only, the collection is right all the same.
func decodeDocument(value []byte, seal *Seal, key []byte, name entity.Name) (doc store.Document, ok bool) {
	r := newReader(value)
	sealer := seal.Namespace(name.Namespace)
	switch r.byte() {
	case documentVersion:
	case sharedVersion:
		sealer = seal.Sealer
	default:
		return doc, false
	}
	doc = store.Document{
		Name: name, Collection: entity.Collection(r.string()), Revision: r.uvarint(),
		Updated: timeOf(r.fixed()), CodeID: r.string(),
	}
	sealed := r.bytes()
	if r.bad {
		return store.Document{Name: name}, false
	}
	body, err := sealer.Open(sealed, key)
	doc.Body = body
	return doc, err == nil
}
