package controller

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

const (
	bodyTimeout = 30 * time.Second // for a whole body. OpenWhisk 1.2.1
	// A body over largeBody waits for one of the few places, so that memory
	// is bounded however many come at once.
	largeBody      = 8 * entity.MB
	maxLargeBodies = 2
	maxCodeReads   = 8 // stored code that is read at once, and sent if it is large

	firstRead = 32 << 10 // bytes that are allocated on the word of Content-Length
)

// readBody reads the whole body and keeps it if it is no longer than keep;
// size is its length in any case. A body over entity.MaxBodySize is refused,
// one that takes too long as well.
func (x *exchange) readBody(keep int64) (body []byte, size int64, err error) {
	announced := x.r.ContentLength
	if announced == 0 {
		return nil, 0, nil
	}
	if announced > entity.MaxBodySize {
		return nil, 0, errBodyTooLong
	}
	if keep > largeBody && (announced < 0 || announced > largeBody) {
		if err := x.claimPlace(); err != nil {
			return nil, 0, err
		}
	}
	in := io.LimitReader(x.r.Body, entity.MaxBodySize+1)
	if announced <= keep {
		body, err = readUpTo(in, announced, keep)
	}
	size = int64(len(body))
	if err == nil && (announced > keep || size > keep) {
		var rest int64
		rest, err = io.Copy(io.Discard, in)
		body, size = nil, size+rest
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, 0, errSlowBody
	case err != nil:
		return nil, 0, entity.MalformedContent("the body ended early").Because(err)
	case size > entity.MaxBodySize:
		return nil, 0, errBodyTooLong
	}
	return body, size, x.readDeadline(time.Time{})
}

// limitBody bounds the time that a body may take, also one that no handler
// reads: the server reads what is left of it before it sends the answer.
func (x *exchange) limitBody() error {
	if x.r.ContentLength == 0 {
		return nil
	}
	return x.readDeadline(time.Now().Add(bodyTimeout))
}

// claimPlace waits for a place for a large body; finish gives it back. Its
// time begins with the place.
func (x *exchange) claimPlace() error {
	release, err := x.c.uploads.claim(x.r.Context(), x.id.Namespace.Name)
	if err != nil {
		return err
	}
	x.held = append(x.held, release)
	return x.limitBody()
}

// readDeadline bounds the reads of the connection, where there is one.
func (x *exchange) readDeadline(t time.Time) error {
	err := http.NewResponseController(x.ResponseWriter).SetReadDeadline(t)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("set read deadline: %w", err)
	}
	return nil
}

// readUpTo reads until in ends or just over keep bytes are there. It trusts
// the announced length (-1 for unknown) no further than four times what has
// come already.
func readUpTo(in io.Reader, announced, keep int64) ([]byte, error) {
	if announced < 0 {
		announced = keep
	}
	body := make([]byte, 0, min(announced, firstRead)+1) // one more to see the end
	for int64(len(body)) <= keep {
		if len(body) == cap(body) {
			grown := make([]byte, len(body), min(4*int64(len(body)), max(announced, int64(len(body)))+1))
			copy(grown, body)
			body = grown
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return body, nil
}

// jsonBody reads a body that must be a JSON object. OpenWhisk 1.4.2, 1.4.4,
// 1.4.5.
func (x *exchange) jsonBody() ([]byte, error) {
	body, _, err := x.readBody(entity.MaxBodySize)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return nil, errMissingBody
	}
	return body, x.checkObject(body)
}

// maxDepth bounds the nesting of a body. It is less than encoding/json reads,
// so that the queue can put a body into a document of its own and read it.
const maxDepth = 9_900

// checkObject reports whether body, which is not empty, was sent as JSON and
// is a JSON object that is not nested too deep.
func (x *exchange) checkObject(body []byte) error {
	if err := checkMediaType(x.r.Header.Get("Content-Type")); err != nil {
		return err
	}
	if !json.Valid(body) {
		var raw json.RawMessage
		return entity.MalformedContent("%v", json.Unmarshal(body, &raw))
	}
	if first(body) != '{' {
		return entity.MalformedContent("JSON object expected")
	}
	if tooDeep(body) {
		return entity.MalformedContent("nested deeper than %d levels", maxDepth)
	}
	return nil
}

// tooDeep walks through a valid body only if it has the braces for it.
func tooDeep(body []byte) bool {
	if bytes.Count(body, []byte{'{'})+bytes.Count(body, []byte{'['}) <= maxDepth {
		return false
	}
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = skipString(body, i) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

func checkMediaType(contentType string) error {
	if contentType == applicationJSON {
		return nil
	}
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	if got, _, err := mime.ParseMediaType(contentType); err == nil && got == applicationJSON {
		return nil
	}
	return &rejection{
		http.StatusUnsupportedMediaType,
		fmt.Sprintf("The request's Content-Type [%s] is not supported. Expected:\napplication/json", contentType),
	}
}
