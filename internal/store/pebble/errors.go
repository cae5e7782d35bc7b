package pebble

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Stable fault codes of what goes wrong with the medium.
const (
	codeDiskFull = "GW5201"
	codeFailed   = "GW5202"
	codeFormat   = "GW5203"
	codeLocked   = "GW5205"
)

// errClosed is what every call gets after Close.
var errClosed = &entity.Error{Kind: entity.Unavailable, Message: "The store is closed."}

// stopped is what every call gets once the medium broke a promise.
func stopped(cause error) error {
	return entity.Errorf(entity.Unavailable,
		"The store has stopped because the disk failed to keep what was written. Check the disk, then restart gowhisk.").
		WithCode(codeFailed).Because(cause)
}

// corrupted says that the stored bytes of what make no sense.
func corrupted(what string) error {
	return entity.ErrCorrupted.Because(fmt.Errorf("%s is not readable", what))
}

// readError turns an error of Pebble's reading into one of the port.
func readError(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pebble.ErrNotFound):
		return entity.ErrNotFound
	case pebble.IsCorruptionError(err):
		return entity.ErrCorrupted.Because(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
