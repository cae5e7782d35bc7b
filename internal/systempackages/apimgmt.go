package systempackages

import "github.com/gowhisk/gowhisk/internal/entity"

// APIManagement is the package with which `wsk api` works. Its actions run in
// the server under the names apimgmt/createApi and so on. OpenWhisk 7.1.3.
func APIManagement() Package {
	return Package{
		Name: "apimgmt", Version: entity.Version{Major: 1},
		Annotations: describe("This package manages the gateway API configuration."),
		Actions: []Action{
			builtinWeb("apimgmt/", "createApi", "Create an API"),
			builtinWeb("apimgmt/", "getApi", "Retrieve the specified API configuration (in JSON format)"),
			builtinWeb("apimgmt/", "deleteApi", "Delete the API"),
		},
	}
}

// builtinWeb is a web action that the server runs.
func builtinWeb(function, name, description string) Action {
	return Action{
		Name: name, Exec: entity.Exec{Kind: entity.KindBuiltin, Main: function + name},
		Annotations: describe(description).Set("web-export", "true").Set(entity.AnnotationFinal, "true"),
	}
}

func describe(text string) entity.Parameters {
	return entity.Parameters{}.Set("description", string(entity.AppendString(nil, text)))
}
