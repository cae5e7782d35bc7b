package controller

import (
	"errors"
	"net/http"
	"slices"
	"time"
)

const (
	// piece is the size in bytes of the parts in which a large answer is sent.
	piece = 64 << 10

	// readPatience is how long a client may take for one of them: whoever
	// reads, however slowly, gets all of it; who does not is cut.
	readPatience = 30 * time.Second
)

// writePieces sends a large body, for each piece of which the client's time
// begins anew.
func (x *exchange) writePieces(b []byte) (n int, err error) {
	connection := http.NewResponseController(x.ResponseWriter)
	for part := range slices.Chunk(b, piece) {
		err := connection.SetWriteDeadline(time.Now().Add(readPatience))
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return n, err
		}
		sent, err := x.ResponseWriter.Write(part)
		n += sent
		x.size += int64(sent)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
