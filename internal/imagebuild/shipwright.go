package imagebuild

// Shipwright prints what builds the action in a cluster with Shipwright: Secret, ServiceAccount,
// BuildStrategy, Build and BuildRun, of shipwright.io/v1beta1. Shipwright gets the source and pushes
// the image; the strategy only builds.
func (b *Builder) Shipwright(spec ClusterSpec) ([]byte, error) {
	s, err := b.clusterSource(&spec)
	if err != nil {
		return nil, err
	}
	params, err := spec.parameters(s)
	if err != nil {
		return nil, err
	}
	params = append([]parameter{{"BASE_IMAGE", "runtime image, or the image with the interpreter", "", spec.Base}}, params...)
	strategy, build := "gowhisk-code", thing{}
	if spec.Project != "" {
		// The source is cloned by Shipwright, with its own credentials, and is a folder for us.
		strategy = "gowhisk-source"
		r, _, err := parseRepository(spec.Project)
		if err != nil {
			return nil, err
		}
		git := thing{"url": r.url}
		if r.revision != "" {
			git["revision"] = r.revision
		}
		source := thing{"type": "Git", "git": git}
		if r.folder != "" {
			source["contextDir"] = r.folder
		}
		build["source"] = source
	}
	secret, objects := spec.accounts()
	build["strategy"] = thing{"name": strategy, "kind": "BuildStrategy"}
	build["output"] = thing{"image": spec.Image, "pushSecret": secret}
	var given []any
	for _, p := range params {
		if p.value != "" && p.value != p.standard && p.name != paramProject {
			given = append(given, thing{"name": p.name, "value": p.value})
		}
	}
	build["paramValues"] = given
	name := objectName(spec.Name)
	objects = append(objects,
		object("shipwright.io/v1beta1", "BuildStrategy", strategy, spec.Namespace, thing{"spec": spec.strategy(params)}),
		object("shipwright.io/v1beta1", "Build", name, spec.Namespace, thing{"spec": build}),
		object("shipwright.io/v1beta1", "BuildRun", "build-"+name, spec.Namespace, thing{"spec": thing{
			"build": thing{"name": name}, "serviceAccount": clusterName,
		}}))
	return documents(objects)
}

// strategy builds into a folder, as an OCI layout.
func (spec ClusterSpec) strategy(params []parameter) thing {
	args := []any{"build"}
	if spec.Project != "" {
		args = append(args, "$(params.shp-source-context)")
	}
	args = append(args, "--base", "$(params.BASE_IMAGE)", "--oci-dir", "$(params.shp-output-directory)")
	env := []any{thing{"name": "DOCKER_CONFIG", "value": "/tekton/home/.docker"}, thing{"name": "HOME", "value": "/work"}, thing{"name": "TMPDIR", "value": "/work"}}
	var all []any
	for _, p := range params {
		if p.name == paramProject {
			continue // Shipwright has its own way to name a source
		}
		d := thing{"name": p.name, "description": p.description}
		if p.name != "BASE_IMAGE" {
			d["default"] = p.standard
			env = append(env, thing{"name": p.name, "value": "$(params." + p.name + ")"})
		}
		all = append(all, d)
	}
	return thing{
		"parameters": all,
		"steps": []any{thing{
			"name": "build", "image": spec.Builder, "command": []any{"gowhisk"}, "args": args, "env": env,
			"workingDir": "$(params.shp-source-root)", "securityContext": secured(),
			"volumeMounts": []any{thing{"name": "work", "mountPath": "/work"}},
		}},
		"volumes":         []any{thing{"name": "work", "emptyDir": thing{}}},
		"securityContext": thing{"runAsUser": 65532, "runAsGroup": 65532},
	}
}
