package controller

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// packageBody is the body of a PUT of a package. OpenWhisk 5.3.1.
type packageBody struct {
	entityBody
	binding entity.Name // the zero name if there is none, or it is {}
}

// putPackage creates or updates a package or a binding.
func (c *Controller) putPackage(x *exchange) error {
	p, err := x.put(entity.Packages)
	if err != nil {
		return err
	}
	body, err := decodePackage(p.body, p.name.Namespace, c.cfg.Entitlement.MaxParameterSize(x.id))
	if err != nil {
		return err
	}
	if err := c.checkProvider(x, body.binding); err != nil {
		return err
	}
	old, err := c.cfg.Catalog.Package(x.r.Context(), p.name)
	if old, err = replaced(p, old, err); err != nil {
		return err
	}
	return c.storePackage(x, p.name, old, body)
}

func decodePackage(raw []byte, own string, maxParameters int64) (body packageBody, err error) {
	in := members(raw)
	if body.binding, err = decodeBinding(in["binding"], own); err != nil {
		return body, err
	}
	body.entityBody, err = decodeEntity(in, maxParameters)
	return body, err
}

// decodeBinding reads the reference to a package. own is the namespace that
// "_" stands for. OpenWhisk 5.3.1, 5.3.5.
func decodeBinding(raw json.RawMessage, own string) (n entity.Name, err error) {
	if raw == nil {
		return n, nil
	}
	if first(raw) != '{' {
		return n, entity.MalformedContent("JSON object expected")
	}
	in := members(raw)
	if len(in) == 0 {
		return n, nil
	}
	var ok bool
	if n.Namespace, ok = str(in["namespace"]); !ok {
		return n, entity.MalformedContent("Object is missing required member 'namespace'")
	}
	if n.Name, ok = str(in["name"]); !ok {
		return n, entity.MalformedContent("Object is missing required member 'name'")
	}
	if n.Namespace == entity.DefaultNamespace {
		n.Namespace = own
	}
	return n, n.Check()
}

// checkProvider asks for the right to read what a binding is bound to. Its
// refusals speak of the binding. OpenWhisk 5.3.5.
func (c *Controller) checkProvider(x *exchange, provider entity.Name) error {
	if provider == (entity.Name{}) {
		return nil
	}
	err := x.allow(entitlement.Read, entity.Packages, provider)
	switch entity.KindOf(err) {
	case entity.NotFound:
		return entity.Errorf(entity.Malformed, "Binding references a package that does not exist.")
	case entity.Conflict:
		return entity.Errorf(entity.Conflict, "Cannot bind to a resource that is not a package.")
	}
	return err
}

// storePackage writes what old, nil if there is none, becomes with body, and
// answers with it.
func (c *Controller) storePackage(x *exchange, name entity.Name, old *entity.Package, body packageBody) error {
	p, err := body.applyTo(old)
	if err != nil {
		return err
	}
	p.Name = name
	if p.IsBinding() {
		provider, err := c.cfg.Catalog.Package(x.r.Context(), p.Binding)
		switch {
		case err == nil && provider.IsBinding():
			return entity.Errorf(entity.Malformed, "Cannot bind to another package binding.")
		case errors.Is(err, entity.ErrNotFound):
			return entity.Errorf(entity.Malformed, "Binding references a package that does not exist.")
		case errors.Is(err, entity.ErrWrongType):
			return entity.Errorf(entity.Conflict, "Cannot bind to a resource that is not a package.")
		case err != nil:
			return err
		}
	}
	stored, err := c.cfg.Catalog.PutPackage(x.r.Context(), p)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, stored)
}

// applyTo returns the package that old becomes. Absent members keep the old
// value; annotations and parameters are replaced as a whole, but for the
// annotation that says what a binding is bound to. OpenWhisk 1.9.5, 1.9.6,
// 5.3.4, 5.3.6.
func (b *packageBody) applyTo(old *entity.Package) (*entity.Package, error) {
	p := &entity.Package{}
	if old != nil {
		*p = *old
	}
	isBinding := b.binding != entity.Name{}
	if old != nil && isBinding && !old.IsBinding() {
		return nil, entity.Errorf(entity.Conflict, "Resource is a package and cannot be converted into a binding.")
	}
	p.Version = b.nextVersion(p.Version)
	if b.publish != nil {
		p.Publish = *b.publish
	}
	if b.parameters != nil {
		p.Parameters = *b.parameters
	}
	if b.annotations != nil {
		p.Annotations = *b.annotations
	}
	if isBinding {
		p.Binding = b.binding
	}
	if !p.IsBinding() {
		return p, nil
	}
	target, err := entity.Marshal(map[string]string{"namespace": p.Binding.Namespace, "name": p.Binding.Name})
	if err != nil {
		return nil, err
	}
	p.Annotations = p.Annotations.Set(entity.AnnotationBinding, string(target))
	return p, nil
}
