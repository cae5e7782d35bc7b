package imagebuild

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// repository is a source in git: URL#REVISION:FOLDER.
type repository struct {
	url      string        // without credentials
	user     *url.Userinfo // only for the request
	revision string
	folder   string
}

// sshForm is USER@HOST:PATH, and no URL.
var sshForm = regexp.MustCompile(`^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][\w.-]*:[^/:-][^:]*$`)

// revisionForm leaves out what git would take for an option or a range.
var revisionForm = regexp.MustCompile(`^[A-Za-z0-9_][\w./+@-]{0,250}$`)

// parseRepository reads the URL of a repository; false when the source is none. It never lets git
// see another transport than https, ssh and, on this machine alone, http.
func parseRepository(source string) (repository, bool, error) {
	address, fragment, hasFragment := strings.Cut(source, "#")
	address, forced := strings.CutPrefix(address, "git+")
	parsed, err := url.Parse(address)
	isURL := err == nil && parsed.Scheme != "" && strings.Contains(address, "://")
	if strings.Contains(address, "::") && !isURL {
		return repository{}, true, errors.New("its transport is not one of https, ssh and http on this machine")
	}
	if !isURL && !sshForm.MatchString(address) {
		return repository{}, forced, errors.New("it is no URL")
	}
	if isURL && !forced && !hasFragment && !strings.HasSuffix(parsed.Path, ".git") && parsed.Scheme != "ssh" {
		if parsed.Scheme == "http" || parsed.Scheme == "https" {
			return repository{}, true, errors.New("it is the URL of a page; that of a repository ends in .git, begins with git+ or has a #REVISION")
		}
	}
	r := repository{url: address}
	r.revision, r.folder, _ = strings.Cut(fragment, ":")
	if isURL {
		if err := checkURL(parsed); err != nil {
			return repository{}, true, err
		}
		r.user, parsed.User = parsed.User, sshUser(parsed)
		r.url = parsed.String()
	}
	if r.revision != "" && (!revisionForm.MatchString(r.revision) || strings.Contains(r.revision, "..")) {
		return repository{}, true, errors.New("its revision is neither a branch, nor a tag, nor a commit")
	}
	if r.folder != "" && !filepath.IsLocal(r.folder) {
		return repository{}, true, errors.New("its folder is outside the repository")
	}
	return r, true, nil
}

// sshUser is what of the user belongs to the address and is no secret.
func sshUser(u *url.URL) *url.Userinfo {
	if u.Scheme == "ssh" && u.User != nil {
		return url.User(u.User.Username())
	}
	return nil
}

// secret says whether the URL came with credentials.
func (r repository) secret() bool {
	_, password := r.user.Password()
	return password || r.user != nil && !strings.HasPrefix(r.url, "ssh:")
}

func checkURL(u *url.URL) error {
	host := u.Hostname()
	if host == "" || strings.HasPrefix(host, "-") || strings.HasPrefix(u.User.Username(), "-") || strings.HasPrefix(strings.TrimLeft(u.Path, "/"), "-") {
		return errors.New("its host, user or path is missing or would be an option of git")
	}
	switch u.Scheme {
	case "https", "ssh":
		return nil
	case "http":
		if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
			return nil
		}
		return errors.New("plain http is for repositories on this machine only")
	}
	return fmt.Errorf("its transport %q is not one of https, ssh and http on this machine", u.Scheme)
}

// clone brings one revision into a new folder, and returns it with the full name of the commit.
func (b *Builder) clone(ctx context.Context, r repository) (dir, commit string, err error) {
	if dir, err = b.workDir("git"); err != nil {
		return "", "", err
	}
	git := func(args ...string) (string, error) { return b.git(ctx, r, dir, args...) }
	if _, err := git("init", "--quiet"); err != nil {
		return "", "", err
	}
	b.say("fetching %s", r.url)
	at, err := fetchRevision(git, r)
	if err != nil {
		return "", "", err
	}
	if _, err := git("checkout", "--quiet", "--detach", at); err != nil {
		return "", "", err
	}
	if commit, err = git("rev-parse", "HEAD"); err != nil {
		return "", "", err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", "", err
	}
	defer root.Close()
	info, err := root.Stat(filepath.Join(".", r.folder)) // a link in it can not lead out
	if err != nil || !info.IsDir() {
		return "", "", fmt.Errorf("the repository has no folder %s", r.folder)
	}
	return filepath.Join(dir, r.folder), commit, nil
}

// fetchRevision gets one commit, and names it.
func fetchRevision(git func(args ...string) (string, error), r repository) (string, error) {
	revision := r.revision
	if revision == "" {
		revision = "HEAD"
	}
	_, err := git("fetch", "--quiet", "--no-tags", "--depth=1", "--", r.url, revision)
	if err == nil {
		return "FETCH_HEAD", nil
	}
	// Some servers give neither single commits nor shallow histories.
	if r.revision == "" {
		_, err := git("fetch", "--quiet", "--no-tags", "--", r.url, revision)
		return "FETCH_HEAD", err
	}
	if _, second := git("fetch", "--quiet", "--tags", "--", r.url, "+refs/heads/*:refs/remotes/origin/*"); second != nil {
		return "", err
	}
	for _, name := range []string{revision, "refs/remotes/origin/" + revision} {
		if at, err := git("rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}"); err == nil {
			return at, nil
		}
	}
	return "", fmt.Errorf("the repository has no revision %s", revision)
}

// git runs one command without hooks, prompts, submodules and other transports. Credentials of the
// URL travel in the environment, as other users may read command lines.
func (b *Builder) git(ctx context.Context, r repository, dir string, args ...string) (string, error) {
	config := [][2]string{
		{"core.hooksPath", os.DevNull}, {"submodule.recurse", "false"}, {"advice.detachedHead", "false"},
		{"core.fsmonitor", "false"}, {"http.followRedirects", "initial"},
	}
	if r.secret() && !strings.HasPrefix(r.url, "ssh:") {
		password, _ := r.user.Password()
		token := base64.StdEncoding.EncodeToString([]byte(r.user.Username() + ":" + password))
		config = append(config, [2]string{"http." + r.url + ".extraHeader", "Authorization: Basic " + token})
	}
	env := slices.DeleteFunc(slices.Clone(b.Environ), func(e string) bool { return strings.HasPrefix(e, "GIT_") && !strings.HasPrefix(e, "GIT_SSL") })
	env = append(env, "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https:ssh:http", "GIT_SSH_COMMAND=ssh -oBatchMode=yes",
		"LC_ALL=C", fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(config)))
	for i, entry := range config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, entry[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, entry[1]))
	}
	program, err := b.lookPath("git")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, oneLine(strings.TrimSpace(stderr.String())))
	}
	return strings.TrimSpace(stdout.String()), nil
}
