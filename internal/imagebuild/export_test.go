package imagebuild

// Repository reads a source as the URL of a repository: what git would be given.
func Repository(source string) (url, revision, folder string, is bool, err error) {
	r, is, err := parseRepository(source)
	return r.url, r.revision, r.folder, is, err
}
