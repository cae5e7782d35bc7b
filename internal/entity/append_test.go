package entity_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// The forms as encoding/json makes them: what AppendJSON must equal.
type (
	parameterForm struct {
		Key        string          `json:"key"`
		Value      json.RawMessage `json:"value"`
		Init       bool            `json:"init,omitempty"`
		Encryption string          `json:"encryption,omitempty"`
	}
	responseForm struct {
		Result  json.RawMessage `json:"result,omitempty"`
		Size    int             `json:"size,omitempty"`
		Status  string          `json:"status"`
		Success bool            `json:"success"`
	}
	activationForm struct {
		ID          string          `json:"activationId"`
		Annotations []parameterForm `json:"annotations"`
		Cause       string          `json:"cause,omitempty"`
		Duration    *int64          `json:"duration,omitempty"`
		End         *int64          `json:"end,omitempty"`
		Logs        []string        `json:"logs"`
		Name        string          `json:"name"`
		Namespace   string          `json:"namespace"`
		Publish     bool            `json:"publish"`
		Response    responseForm    `json:"response"`
		Start       int64           `json:"start"`
		Subject     string          `json:"subject"`
		Version     string          `json:"version"`
	}
)

func formOf(a *entity.Activation) activationForm {
	form := activationForm{
		ID: string(a.ID), Annotations: []parameterForm{}, Cause: string(a.Cause), Logs: append([]string{}, a.Logs...),
		Name: a.Name, Namespace: a.Namespace, Publish: a.Publish, Start: a.Start.UnixMilli(), Subject: a.Subject,
		Version: a.Version.String(), Response: responseForm{
			a.Response.Result, a.Response.Size, a.Response.Status.String(), a.Response.Status == entity.Success,
		},
	}
	for _, p := range a.Annotations {
		form.Annotations = append(form.Annotations, parameterForm(p))
	}
	if !a.End.IsZero() {
		end, duration := a.End.UnixMilli(), a.Duration.Milliseconds()
		form.End, form.Duration = &end, &duration
	}
	return form
}

// anyText is strings with everything that a JSON encoder could stumble over.
func anyText() *rapid.Generator[string] {
	nasty := []string{"\x00", "\x1f", "\b\f\n\r\t", `"`, `\`, "<&>", "\u2028\u2029", "\xff\xc3", "\xed\xa0\x80", "ü漢🙂", "\x7f", "\ufffd"}
	return rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z/:.]{0,20}`),
		rapid.Map(rapid.SliceOf(rapid.SampledFrom(nasty)), func(parts []string) string {
			var b bytes.Buffer
			for _, p := range parts {
				b.WriteString(p)
			}
			return b.String()
		}))
}

func anyJSON() *rapid.Generator[json.RawMessage] {
	return rapid.Map(rapid.OneOf(
		rapid.Map(anyText(), func(s string) any { return s }),
		rapid.Map(rapid.Float64Range(-1e20, 1e20), func(f float64) any { return f }),
		rapid.Map(rapid.MapOf(anyText(), rapid.Bool()), func(m map[string]bool) any { return m }),
		rapid.Map(rapid.SliceOf(anyText()), func(l []string) any { return l }),
	), func(v any) json.RawMessage {
		raw, err := entity.Marshal(v)
		if err != nil {
			panic(err)
		}
		return raw
	})
}

func anyActivation() *rapid.Generator[*entity.Activation] {
	return rapid.Custom(func(t *rapid.T) *entity.Activation {
		text := func(name string) string { return anyText().Draw(t, name) }
		a := &entity.Activation{
			Namespace: text("namespace"), Name: text("name"), Subject: text("subject"),
			ID: entity.ActivationID(text("id")), Cause: entity.ActivationID(text("cause")),
			Version:  entity.Version{Major: rapid.IntRange(0, 1e6).Draw(t, "major"), Patch: rapid.Int().Draw(t, "patch")},
			Start:    time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, "start")),
			Publish:  rapid.Bool().Draw(t, "publish"),
			Duration: time.Duration(rapid.Int64().Draw(t, "duration")),
			Logs:     rapid.SliceOfN(anyText(), 0, 5).Draw(t, "logs"),
			Response: entity.Response{
				Status: entity.Status(rapid.IntRange(0, 3).Draw(t, "status")), Size: rapid.IntRange(0, 1e7).Draw(t, "size"),
			},
		}
		if rapid.Bool().Draw(t, "ended") {
			a.End = a.Start.Add(time.Hour)
		}
		if rapid.Bool().Draw(t, "answered") {
			a.Response.Result = anyJSON().Draw(t, "result")
		}
		for range rapid.IntRange(0, 4).Draw(t, "annotations") {
			a.Annotations = append(a.Annotations, entity.Parameter{
				Key: text("key"), Value: anyJSON().Draw(t, "value"), Init: rapid.Bool().Draw(t, "init"), Encryption: text("encryption"),
			})
		}
		return a
	})
}

func TestAppendJSONIsWhatEncodingJSONMakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyActivation().Draw(t, "activation")
		want, err := entity.Marshal(formOf(a))
		if err != nil {
			t.Fatal(err)
		}
		if got := a.AppendJSON([]byte("before")); string(got) != "before"+string(want) {
			t.Fatalf("appended\n%s\nwant\n%s", got[len("before"):], want)
		}
		marshalled, err := entity.Marshal(a)
		if err != nil || !bytes.Equal(marshalled, want) {
			t.Fatalf("marshalled\n%s, %v\nwant\n%s", marshalled, err, want)
		}
	})
}

func TestActivationComesBackFromItsJSON(t *testing.T) {
	a := sampleActivation()
	a.Cause, a.Publish = "0191e0b1a2b37c4d8e5f60718293a4b6", true
	var back entity.Activation
	if err := json.Unmarshal(a.AppendJSON(nil), &back); err != nil {
		t.Fatal(err)
	}
	if got, want := back.AppendJSON(nil), a.AppendJSON(nil); !bytes.Equal(got, want) {
		t.Errorf("came back as\n%s\nwas\n%s", got, want)
	}
	if !back.Start.Equal(a.Start) || !back.End.Equal(a.End) || back.Duration != a.Duration {
		t.Errorf("times are %s, %s, %s", back.Start, back.End, back.Duration)
	}
}

func TestRecordOfATriggerHasNoEndNorStatusInLists(t *testing.T) {
	a := sampleActivation()
	a.End, a.Duration = time.Time{}, 0
	for name, v := range map[string]any{"record": a, "summary": a.Summary()} {
		body, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range []string{`"end"`, `"duration"`, `"statusCode"`} {
			if bytes.Contains(body, []byte(member)) {
				t.Errorf("%s has a member %s: %s", name, member, body)
			}
		}
	}
}

func TestSummaryCountsDurationFromStartToEnd(t *testing.T) {
	a := sampleActivation()
	a.Duration, a.Response.Status = time.Millisecond, entity.DeveloperError
	body, err := json.Marshal(a.Summary())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Duration, StatusCode int
		Logs, Response       any
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if got.Duration != 42 || got.StatusCode != 2 || got.Logs != nil || got.Response != nil {
		t.Errorf("summary is %s", body)
	}
}

func TestFailedCarriesAnyText(t *testing.T) {
	r := entity.Failed(entity.WhiskError, "a \"b\" <c>\n\xff")
	if want := `{"error":"a \"b\" <c>\n\ufffd"}`; string(r.Result) != want || !json.Valid(r.Result) {
		t.Errorf("result is %s, want %s", r.Result, want)
	}
}
