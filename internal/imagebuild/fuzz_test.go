package imagebuild_test

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// FuzzRepository looks for a source that is accepted but would be an option of git, another transport
// or a credential on its command line.
func FuzzRepository(f *testing.F) {
	for _, seed := range []string{
		"https://git.internal/shop.git#v2:cart", "ssh://git@host/x.git", "git@host:x.git", "git+https://a:b@c/d", "http://127.0.0.1:1/x.git#main",
		"ext::sh -c id", "file:///x.git", "--upload-pack=x", "https://-x/y.git", "https://host/x.git#--x", "hello.js",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		address, revision, folder, is, err := imagebuild.Repository(source)
		if !is || err != nil {
			return
		}
		if strings.HasPrefix(address, "-") || strings.HasPrefix(revision, "-") || strings.Contains(address, "::") && !strings.Contains(address, "://") {
			t.Errorf("%q: %q, revision %q", source, address, revision)
		}
		if folder != "" && !filepath.IsLocal(folder) {
			t.Errorf("%q: folder %q", source, folder)
		}
		if !strings.Contains(address, "://") {
			return
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatalf("%q: %v", source, err)
		}
		if _, secret := u.User.Password(); secret || u.Scheme != "https" && u.Scheme != "ssh" && u.Scheme != "http" || strings.HasPrefix(u.Host, "-") {
			t.Errorf("%q: %q", source, address)
		}
	})
}
