package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
)

// parameters are what -p and -P of a command line give, in its order.
type parameters struct {
	given []func(into map[string]json.RawMessage) error
	files []string
}

// takeParameters takes `-p KEY VALUE` and `-P FILE` out of the words, as wsk has them: a flag with
// two values is none of the flag package's.
func takeParameters(words []string) (rest []string, p parameters, err error) {
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "--":
			return append(rest, words[i:]...), p, nil
		case word == "-p" || word == "--param":
			if i+2 >= len(words) {
				return nil, p, fmt.Errorf("%s needs a key and a value: %s KEY VALUE", word, word)
			}
			p.add(words[i+1], words[i+2])
			i += 2
		case word == "-P" || word == "--param-file":
			if i+1 >= len(words) {
				return nil, p, fmt.Errorf("%s needs a file of JSON: %s FILE", word, word)
			}
			p.addFile(words[i+1])
			i++
		default:
			if file, ok := strings.CutPrefix(word, "--param-file="); ok {
				p.addFile(file)
				continue
			}
			rest = append(rest, word)
		}
	}
	return rest, p, nil
}

// add is for a value that is JSON, or else a string.
func (p *parameters) add(key, value string) {
	raw := json.RawMessage(value)
	if !json.Valid(raw) {
		raw, _ = json.Marshal(value)
	}
	p.given = append(p.given, func(into map[string]json.RawMessage) error {
		into[key] = raw
		return nil
	})
}

func (p *parameters) addFile(file string) {
	p.files = append(p.files, file)
	p.given = append(p.given, func(into map[string]json.RawMessage) error {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(content, &members); err != nil {
			return fmt.Errorf("%s is no JSON object: %w", file, err)
		}
		maps.Copy(into, members)
		return nil
	})
}

// arguments merges them; the later one of the same key wins. Files are read anew each time.
func (p *parameters) arguments() (json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	var errs []error
	for _, give := range p.given {
		errs = append(errs, give(members))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}
