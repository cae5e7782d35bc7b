package cli

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// requestTimeout bounds one request to the API.
const requestTimeout = 30 * time.Second

// wskProps are the server and the key that wsk uses: flags, then
// environment, then properties file. OpenWhisk 6.5.1.
type wskProps struct {
	apihost, auth string
	insecure      bool
}

func (p *wskProps) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&p.apihost, "apihost", "", "server, as wsk has it")
	flags.StringVarP(&p.auth, "auth", "u", "", "key of the namespace (UUID:KEY), as wsk has it")
	flags.BoolVarP(&p.insecure, "insecure", "i", false, "accept an own certificate")
}

// client reads the API with one key.
type client struct {
	base, user, password string
	http                 *http.Client
}

// client finds the server and the key.
func (p wskProps) client(env Env) (*client, error) {
	file, err := readProps(env)
	if err != nil {
		return nil, err
	}
	host := firstOf(p.apihost, env.Getenv("WHISK_APIHOST"), file["APIHOST"])
	auth := firstOf(p.auth, env.Getenv("WHISK_AUTH"), file["AUTH"])
	if host == "" || auth == "" {
		return nil, misuse{errors.New("no server or key: wsk property set --apihost URL --auth UUID:KEY, or --apihost and --auth here")}
	}
	if !strings.Contains(host, "://") {
		host = "https://" + host
	}
	user, password, _ := strings.Cut(auth, ":")
	transport := &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: p.insecure}, //nolint:gosec // asked for by flag
	}
	return &client{strings.TrimSuffix(host, "/"), user, password, &http.Client{Timeout: requestTimeout, Transport: transport}}, nil
}

// readProps reads KEY=VALUE lines; a missing file has none.
func readProps(env Env) (map[string]string, error) {
	name := env.Getenv("WSK_CONFIG_FILE")
	if name == "" {
		name = filepath.Join(env.Getenv("HOME"), ".wskprops")
	}
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("properties of wsk: %w", err)
	}
	defer f.Close()
	props := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), "="); ok {
			props[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return props, lines.Err()
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// activation reads one record.
func (c *client) activation(ctx context.Context, id string) (*entity.Activation, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/v1/namespaces/_/activations/"+id, nil)
	if err != nil {
		return nil, fmt.Errorf("read activation: %w", err)
	}
	req.SetBasicAuth(c.user, c.password)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read activation: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return nil, fault.New(fault.BadKey, "", nil, nil)
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s has no activation %s in the namespace of this key", c.base, id)
	default:
		return nil, fmt.Errorf("read activation: %s answered %s", c.base, resp.Status)
	}
	var a entity.Activation
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return nil, fmt.Errorf("read activation: %w", err)
	}
	return &a, nil
}
