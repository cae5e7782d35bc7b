package corpus_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/test/corpus"
)

// elsewhere are the rows of the single-entry contract that no answer of an action can show, with the test
// or the script that does.
func elsewhere() map[string]string {
	return map[string]string{
		"0-23": "TestSourcesOfEveryFormBecomeFiles", // and repositories and dependencies
		"0-24": "TestAnActionIsOneLayerOnItsRuntime",
		"0-25": "TestObjectsForTektonAreOfItsSchema",
		"0-26": "TestTheServiceOfAnActionIsOfKnativesSchema",
		"0-27": "TestEverySampleAnswersTheSameEverywhere",
		"0-28": "TestEveryKindKeepsTheContract",
		"0-29": "build-cluster",
		"0-30": "TestFirstRequestOfAnActionAtZeroIsAnsweredByAStemCell",
		"0-31": "TestIdleContainerIsFrozenAfterTheGraceAndThawedForItsNextRun",
		"0-33": "TestImagesOfTheCorpusAnswerAsEveryOtherTarget",
	}
}

func TestEveryRowOfTheContractHasASampleOrATest(t *testing.T) {
	samples, err := corpus.Load("testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	known := names(t)
	for i := range 33 {
		row := fmt.Sprintf("0-%02d", i+1)
		other, shown := elsewhere()[row]
		if sampled := slices.ContainsFunc(samples, func(s corpus.Sample) bool { return s.Row == row }); sampled == shown {
			t.Errorf("%s: a sample %t, a test of other name %t", row, sampled, shown)
		}
		if shown && !known[other] {
			t.Errorf("%s: there is no %s", row, other)
		}
	}
}

// names are those of every test and every script.
func names(t *testing.T) map[string]bool {
	t.Helper()
	found, function := map[string]bool{}, regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "bin" || d.Name() == "node_modules" || d.Name() == ".git") {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if script, ok := strings.CutSuffix(d.Name(), ".txtar"); ok {
			found[script] = true
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		for _, match := range function.FindAllSubmatch(text, -1) {
			found[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
