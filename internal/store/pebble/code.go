package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// codeKey is the key of attached code in one of the two spaces for code.
func codeKey(space byte, n entity.Name, codeID string) []byte {
	k := appendString(appendString([]byte{space}, n.Namespace), n.Package)
	return append(appendString(k, n.Name), codeID...)
}

// setCode puts the code of doc into batch. It may be large: it is sealed where
// the batch keeps it, without a copy.
func setCode(batch *pebble.Batch, seal *Seal, doc store.Document, code []byte) error {
	key := codeKey(spaceCode, doc.Name, doc.CodeID)
	sealer := seal.Namespace(doc.Name.Namespace)
	set := batch.SetDeferred(len(key), sealer.size(len(code)))
	copy(set.Key, key)
	sealer.closeInto(set.Value, code, key)
	return errors.Join(set.Finish(), batch.Delete(codeKey(spaceOpenCode, doc.Name, doc.CodeID), nil))
}

// dropCode puts the removal of code into batch.
func dropCode(batch *pebble.Batch, n entity.Name, codeID string) error {
	return errors.Join(
		batch.Delete(codeKey(spaceCode, n, codeID), nil),
		batch.Delete(codeKey(spaceOpenCode, n, codeID), nil))
}

// Code returns attached code; see store.Entities.
func (s *entities) Code(ctx context.Context, name entity.Name, codeID string) (code []byte, err error) {
	if err := s.db.enter(ctx); err != nil {
		return nil, err
	}
	defer s.db.leave()
	key := codeKey(spaceCode, name, codeID)
	err = s.db.get(key, func(value []byte) (err error) {
		if code, err = s.db.seal.Namespace(name.Namespace).Open(value, key); err != nil {
			return corrupted("the code of " + name.String())
		}
		return nil
	})
	if !errors.Is(err, entity.ErrNotFound) {
		return code, err
	}
	err = s.db.get(codeKey(spaceOpenCode, name, codeID), func(value []byte) error {
		code = bytes.Clone(value)
		return nil
	})
	return code, err
}

// checkCode makes sure that the code that doc names will be there.
func (s *entities) checkCode(doc store.Document, code []byte) error {
	if doc.CodeID == "" && code != nil {
		return fmt.Errorf("store %s: code without an id", doc.Name)
	}
	if doc.CodeID == "" || code != nil {
		return nil
	}
	for _, space := range []byte{spaceCode, spaceOpenCode} {
		if found, err := s.db.has(codeKey(space, doc.Name, doc.CodeID)); err != nil || found {
			return err
		}
	}
	return fmt.Errorf("store %s: there is no code %q", doc.Name, doc.CodeID)
}
