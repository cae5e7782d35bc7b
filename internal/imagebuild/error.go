package imagebuild

import (
	"errors"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/gowhisk/gowhisk/internal/fault"
)

// refusedBase says that nothing can be built on the image.
func refusedBase(ref, why string, cause error) error {
	return fault.New(fault.BaseRefused, why, map[string]string{"image": ref}, cause)
}

// refusedSource says that no action can be made of the source.
func refusedSource(source, why string, cause error) error {
	return fault.New(fault.SourceRefused, why, map[string]string{"source": source}, cause)
}

// registryFailed tells what a registry has against a request for ref, with its own words.
func registryFailed(ref, registry string, err error) error {
	why := err.Error()
	if refusal, ok := errors.AsType[*transport.Error](err); ok {
		switch refusal.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			why = "The registry wants other credentials than it was given: " + why
		case http.StatusNotFound:
			why = "The registry does not have it: " + why
		}
	}
	return fault.New(fault.RegistryFailed, oneLine(why), map[string]string{"image": ref, "registry": registry}, err)
}

// oneLine makes a foreign text fit a report: what ends lines or moves the cursor becomes a blank.
func oneLine(text string) string {
	const most = 500
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
