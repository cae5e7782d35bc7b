package imagebuild

// Tekton prints what builds the action in a cluster with Tekton Pipelines: Secret, ServiceAccount,
// Task, Pipeline and TaskRun, of tekton.dev/v1.
func (b *Builder) Tekton(spec ClusterSpec) ([]byte, error) {
	s, err := b.clusterSource(&spec)
	if err != nil {
		return nil, err
	}
	params, err := spec.parameters(s)
	if err != nil {
		return nil, err
	}
	params = append([]parameter{
		{"IMAGE", "where the image is pushed", "", spec.Image},
		{"BASE_IMAGE", "runtime image, or the image with the interpreter", "", spec.Base},
		{"BUILDER_IMAGE", "image with gowhisk and actionproxy", spec.Builder, ""},
		{"REGISTRY_SECRET", "credentials for the registry", noSecret, spec.Secret},
	}, params...)
	_, objects := spec.accounts()
	var passed, given []any
	for _, p := range params {
		passed = append(passed, thing{"name": p.name, "value": "$(params." + p.name + ")"})
		if p.value != "" && p.value != p.standard {
			given = append(given, thing{"name": p.name, "value": p.value})
		}
	}
	objects = append(objects,
		object("tekton.dev/v1", "Task", clusterName, spec.Namespace, thing{"spec": task(params)}),
		object("tekton.dev/v1", "Pipeline", clusterName, spec.Namespace, thing{"spec": thing{
			"description": "builds the image of an OpenWhisk action",
			"params":      declared(params),
			"tasks":       []any{thing{"name": "build", "taskRef": thing{"name": clusterName}, "params": passed}},
			"results":     []any{thing{"name": "IMAGE_DIGEST", "value": "$(tasks.build.results.IMAGE_DIGEST)"}},
		}}),
		object("tekton.dev/v1", "TaskRun", "build-"+objectName(spec.Name), spec.Namespace, thing{"spec": thing{
			"serviceAccountName": clusterName, "taskRef": thing{"name": clusterName}, "params": given,
		}}))
	return documents(objects)
}

// declared are parameters as a Task and a Pipeline have them; those without a default have to be given.
func declared(params []parameter) []any {
	required := map[string]bool{"IMAGE": true, "BASE_IMAGE": true, "BUILDER_IMAGE": true}
	var all []any
	for _, p := range params {
		d := thing{"name": p.name, "type": "string", "description": p.description}
		if p.standard != "" || !required[p.name] {
			d["default"] = p.standard
		}
		all = append(all, d)
	}
	return all
}

// task has one step. No parameter passes through a shell: the code of an action is no script here.
func task(params []parameter) thing {
	env := []any{thing{"name": "DOCKER_CONFIG", "value": "/registry"}, thing{"name": "HOME", "value": "/work"}, thing{"name": "TMPDIR", "value": "/work"}}
	for _, p := range params {
		if len(p.name) > 3 && p.name[:3] == "OW_" {
			env = append(env, thing{"name": p.name, "value": "$(params." + p.name + ")"})
		}
	}
	return thing{
		"description": "builds the image of an OpenWhisk action and pushes it",
		"params":      declared(params),
		"results":     []any{thing{"name": "IMAGE_DIGEST", "description": "digest of the image that was pushed"}},
		"steps": []any{thing{
			"name": "build", "image": "$(params.BUILDER_IMAGE)", "command": []any{"gowhisk"},
			"args": []any{"build", "--base", "$(params.BASE_IMAGE)", "--push", "$(params.IMAGE)", "--digest-file", "$(results.IMAGE_DIGEST.path)"},
			"env":  env, "workingDir": "/work", "securityContext": secured(),
			"volumeMounts": []any{thing{"name": "work", "mountPath": "/work"}, thing{"name": "registry", "mountPath": "/registry", "readOnly": true}},
		}},
		"volumes": []any{thing{"name": "work", "emptyDir": thing{}}, thing{"name": "registry", "secret": thing{
			"secretName": "$(params.REGISTRY_SECRET)", "optional": true,
			"items": []any{thing{"key": ".dockerconfigjson", "path": "config.json"}},
		}}},
	}
}
