package actionproxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// What code is, by its first bytes. OpenWhisk 3.6.9, 3.7.2.
type codeKind int

const (
	unknownFile codeKind = iota // source text, for the languages that have it
	binaryFile                  // ELF
	scriptFile                  // #!
	zipArchive
	tarArchive // compressed with gzip
)

var magics = []struct {
	prefix string
	kind   codeKind
}{
	{"\x7fELF", binaryFile}, {"#!", scriptFile},
	{"PK\x03\x04", zipArchive}, {"PK\x05\x06", zipArchive}, {"\x1f\x8b", tarArchive},
}

func kindOf(head []byte) codeKind {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.prefix)) {
			return m.kind
		}
	}
	return unknownFile
}

func fileKind(file string) (codeKind, error) {
	f, err := os.Open(file)
	if err != nil {
		return unknownFile, fmt.Errorf("look into the action's executable: %w", err)
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return unknownFile, fmt.Errorf("look into the action's executable: %w", err)
	}
	return kindOf(head[:n]), nil
}
