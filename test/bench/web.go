package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// leastWebRatio is the goal of a web action, by the rate of the blocking
// invocation of the same action.
const leastWebRatio = 0.9

// pages are actions whose result every extension can show.
var pages = map[string]string{
	"node":   "function main({name}) { return {body: `Hello, ${name}`, name}; }",
	"python": "def main(args):\n    return {'body': 'Hello, ' + args['name'], 'name': args['name']}\n",
}

// web compares web actions, as anybody calls them, with the blocking
// invocation of the same action.
func (b *bench) web(ctx context.Context) (rows []row, err error) {
	s, err := b.startFreshServer(ctx, "--pool-memory=16GB")
	if err != nil {
		return nil, err
	}
	defer s.stopping(&err)
	l := b.languages[0]
	if err := s.createPage(ctx, l); err != nil {
		return nil, err
	}
	contenders := []contender{s.contender("gowhisk "+l.name+", blocking", "page"), s.page(l, ".json"), s.page(l, ".http")}
	for _, concurrency := range []int{1, maxConcurrency} {
		results, err := contest(ctx, contenders, concurrency, b.opt.rounds, b.opt.round)
		if err != nil {
			return rows, err
		}
		for i, c := range contenders {
			r := results[i].row(fmt.Sprintf("%s, concurrency %d", c.name, concurrency))
			if i > 0 {
				r.Goal = atLeast(results[i].rateRatio(results[0]), leastWebRatio, "× blocking")
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// createPage makes the web action page.
func (s *server) createPage(ctx context.Context, l language) error {
	body, err := json.Marshal(map[string]any{
		"exec":        map[string]any{"kind": l.kind, "code": pages[l.name]},
		"limits":      map[string]any{"memory": 128, "timeout": 60000},
		"annotations": []map[string]any{{"key": "web-export", "value": true}},
	})
	if err != nil {
		return err
	}
	_, err = s.request(ctx, http.MethodPut, "/api/v1/namespaces/_/actions/page", body)
	return err
}

// page is s with requests for the web action, without a key.
func (s *server) page(l language, extension string) contender {
	request := post(s.address, "/api/v1/web/guest/default/page"+extension, "", arguments())
	return contender{
		name: fmt.Sprintf("gowhisk %s, web action %s", l.name, extension), address: s.address, pid: s.pid(),
		request: func(int, int) []byte { return request }, expect: []byte("World"),
	}
}
