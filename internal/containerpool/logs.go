package containerpool

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// collectLogs takes the lines of the activation and adds OpenWhisk's remarks
// to them. A log that was cut or is incomplete ends the container. OpenWhisk
// 2.10.6, 2.11.9, 3.4.5.
func (x *execution) collectLogs(ctx context.Context) {
	logs := x.c.Logs(ctx, x.msg.ID)
	limit := x.msg.Action.Limits.Logs * entity.MB
	if limit == 0 {
		return
	}
	x.result.Logs = logs.Lines
	switch {
	case logs.Truncated:
		x.remark(fmt.Sprintf("Logs were truncated because the total bytes size exceeds the limit of %d bytes.", limit))
		x.broken = orElse(x.broken, "log limit reached")
		x.result.Fault = orElse(x.result.Fault, fault.LogsTruncated)
	case logs.Broken && x.broken == "":
		x.remark("There was an issue while collecting your logs. Data might be missing.")
		x.broken = "logs incomplete"
	}
	if x.result.Response.Status == entity.DeveloperError {
		x.remark("The action did not initialize or run as expected. Log data might be missing.")
	}
}

func (x *execution) remark(text string) {
	x.result.Logs = append(x.result.Logs, time.Now().UTC().Format(stamp)+" stderr: "+text)
}

// stamp is RFC 3339 with nanoseconds, always 30 characters. OpenWhisk 1.11.5.
const stamp = "2006-01-02T15:04:05.000000000Z"

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// environment is what a container's process sees besides the action's own.
// The platform's variables win over init parameters. OpenWhisk 3.2.3.
func (x *execution) environment() map[string]string {
	a := x.msg.Action
	env := make(map[string]string, len(x.msg.Env)+8)
	for k, v := range x.msg.Env {
		if !strings.HasPrefix(k, "__OW_") {
			env[k] = v
		}
	}
	env["__OW_NAMESPACE"] = x.msg.Identity.Namespace.Name
	env["__OW_ACTION_NAME"] = "/" + a.Name.String()
	env["__OW_ACTION_VERSION"] = a.Version.String()
	env["__OW_ACTIVATION_ID"] = string(x.msg.ID)
	env["__OW_TRANSACTION_ID"] = x.msg.Transaction
	env["__OW_DEADLINE"] = fmt.Sprint(x.result.Began.Add(a.Limits.Timeout).UnixMilli())
	if x.pool.opt.APIHost != "" {
		env["__OW_API_HOST"] = x.pool.opt.APIHost
	}
	if key := x.apiKey(); key != "" {
		env["__OW_API_KEY"] = key
	}
	if min(a.Limits.Concurrency, x.c.Concurrency()) > 1 {
		env["__OW_ALLOW_CONCURRENT"] = "true"
	}
	return env
}

// apiKey is the caller's key if the action is entitled to it.
func (x *execution) apiKey() string {
	if !x.msg.Action.WantsAPIKey() {
		return ""
	}
	return x.msg.Identity.AuthKey()
}
