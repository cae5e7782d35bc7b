package controller

import (
	"bytes"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// code reads the stored code of an action. Large code takes a place in memory
// until it is sent.
func (x *exchange) code(a *entity.Action) (string, error) {
	if a.Exec.CodeID == "" {
		return "", nil
	}
	release, err := x.c.reads.claim(x.r.Context(), x.id.Namespace.Name)
	if err != nil {
		return "", err
	}
	code, err := x.c.cfg.Catalog.Code(x.r.Context(), a)
	if int64(len(code)) > largeBody {
		x.held = append(x.held, release)
		return code, err
	}
	release()
	return code, err
}

// sendAction answers with an action. Its code, which may be most of 48 MB, is
// encoded once and put where it belongs in the document. OpenWhisk 2.3.
func (x *exchange) sendAction(a *entity.Action) error {
	if a.Exec.Code == "" {
		return x.json(http.StatusOK, a)
	}
	rest := *a
	rest.Exec.Code = ""
	document, err := encode(&rest)
	if err != nil {
		return err
	}
	opening := entity.AppendString([]byte(`"exec":{"kind":`), a.Exec.Kind) // cannot stand before: names have no quotes
	head, tail, _ := bytes.Cut(document, opening)
	code := append(make([]byte, 0, len(a.Exec.Code)*17/16+16), `,"code":`...)
	return x.send(http.StatusOK, applicationJSON, head, opening, entity.AppendString(code, a.Exec.Code), tail)
}
