package systempackages_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// node runs the action of a file as the Node.js runtime does and returns what
// it answers.
func node(t *testing.T, file string, args any) any {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	input, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	const run = `
		const [file] = process.argv.slice(1)
		const fs = require('fs')
		const main = new Function('require', fs.readFileSync(file, 'utf8') + '; return main')(require)
		console.log = () => {}
		Promise.resolve(main(JSON.parse(fs.readFileSync(0)))).then(answer => process.stdout.write(JSON.stringify(answer ?? {})))`
	cmd := exec.CommandContext(t.Context(), "node", "-e", run, file)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "__OW_NAMESPACE=guest", "__OW_API_HOST=http://127.0.0.1:3233", "__OW_ACTION_NAME=/guest/it")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var answer any
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%s answered %s: %v", file, out, err)
	}
	return answer
}

// manifest is what the test reads of a package's manifest.
type manifest struct {
	Actions map[string]struct {
		SampleInput, SampleOutput map[string]any
	}
}

// TestCatalogueAnswersItsSamples runs every action with the input that its
// annotation shows: the output must be the one beside it. Those that answer
// with the time, or speak with a server, are tested below or by the scripts.
func TestCatalogueAnswersItsSamples(t *testing.T) {
	elsewhere := map[string]bool{
		"utils/date": true, "samples/curl": true, "samples/countdown": true, "slack/post": true, "websocket/send": true,
	}
	files, err := filepath.Glob("catalogue/*/manifest.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var m manifest
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		pkg := filepath.Base(filepath.Dir(file))
		for name, action := range m.Actions {
			t.Run(pkg+"/"+name, func(t *testing.T) {
				if action.SampleInput == nil || action.SampleOutput == nil {
					t.Error("there is no sample")
				}
				if elsewhere[pkg+"/"+name] || pkg == "combinators" {
					return
				}
				got := node(t, filepath.Join(filepath.Dir(file), name+".js"), action.SampleInput)
				if diff := cmp.Diff(any(action.SampleOutput), got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
	}
}

func TestCatalogueTellsWhatIsWrongWithItsArguments(t *testing.T) {
	for _, row := range []struct {
		file string
		args map[string]any
		want string
	}{
		{"utils/cat", map[string]any{"lines": "no"}, "'lines' of type 'array'"},
		{"utils/head", map[string]any{"lines": []int{1}, "num": -1}, "'num'"},
		{"utils/sort", nil, "'lines' of type 'array'"},
		{"utils/split", map[string]any{"payload": 3}, "'payload' of type 'string'"},
		{"utils/split", map[string]any{"payload": "a", "separator": "/(/"}, "not a regular expression"},
		{"utils/smash", nil, "'$fieldName'"},
		{"utils/hosturl", map[string]any{"path": "a/b/c"}, "'package/action'"},
		{"utils/hosturl", map[string]any{"path": "a", "web": true, "ext": ".exe"}, "'ext'"},
		{"samples/curl", nil, "'payload'"},
		{"slack/post", map[string]any{"url": "http://127.0.0.1:9"}, "'text'"},
		{"websocket/send", map[string]any{"uri": "http://127.0.0.1:9", "payload": "x"}, "ws or wss"},
		{"websocket/send", map[string]any{"uri": "ws://127.0.0.1:9", "payload": "x"}, "not sent"},
	} {
		args := row.args
		if args == nil {
			args = map[string]any{}
		}
		answer, _ := node(t, "catalogue/"+row.file+".js", args).(map[string]any)
		if text, _ := answer["error"].(string); !strings.Contains(text, row.want) {
			t.Errorf("%s: got %v, want an error with %q", row.file, answer, row.want)
		}
	}
}

func TestSlackPostSendsTheMessage(t *testing.T) {
	var got map[string]any
	var authorization string
	slack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/refuses" {
			_, _ = w.Write([]byte(`{"ok":false,"error":"channel_not_found"}`))
			return
		}
		_, _ = w.Write([]byte(`{"ok":true}`))
	}))
	defer slack.Close()
	message := map[string]any{"url": slack.URL, "text": "hi", "channel": "#c", "username": "u", "token": "t"}
	if answer := node(t, "catalogue/slack/post.js", message); cmp.Diff(map[string]any{}, answer) != "" {
		t.Errorf("answered %v", answer)
	}
	if diff := cmp.Diff(map[string]any{"text": "hi", "channel": "#c", "username": "u"}, got); diff != "" || authorization != "Bearer t" {
		t.Errorf("sent with %q (-want +got):\n%s", authorization, diff)
	}
	message["url"] = slack.URL + "/refuses"
	answer, _ := node(t, "catalogue/slack/post.js", message).(map[string]any)
	if answer["error"] != "Slack refused: channel_not_found" {
		t.Errorf("answered %v", answer)
	}
}

// TestWebsocketSendSpeaksToARealServer also sends a message so long that it
// needs the longest form of a frame.
func TestWebsocketSendSpeaksToARealServer(t *testing.T) {
	for _, message := range []string{"Hi there, WebSocket!", strings.Repeat("é", 300), strings.Repeat("x", 70_000)} {
		got := make(chan string, 1)
		server := httptest.NewServer(websocketServer(t, got))
		answer := node(t, "catalogue/websocket/send.js", map[string]any{"uri": strings.Replace(server.URL, "http", "ws", 1) + "/chat?room=1", "payload": message})
		server.Close()
		if diff := cmp.Diff(any(map[string]any{"payload": message}), answer); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
		if text := <-got; text != message {
			t.Errorf("the server got %d bytes, want %d", len(text), len(message))
		}
	}
}
