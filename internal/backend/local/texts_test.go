package local_test

import (
	"encoding/base64"
	"testing"

	"github.com/gowhisk/gowhisk/internal/containerpool/factorytest"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// archived is an action in a zip of one file.
func archived(t *testing.T, name, text string) string {
	return base64.StdEncoding.EncodeToString(zipOf(t, [2]string{name, text}))
}

func nodejsTexts(t *testing.T, kind string) factorytest.Kind {
	return factorytest.Kind{
		Kind:        kind,
		Echo:        `function main(a) { return a }`,
		Environment: `function main() { return {value: process.env.GREETING} }`,
		Counter:     `let n = 0; function main() { return {n: ++n} }`,
		Number:      `function main() { return 42 }`,
		Big:         `function main(a) { return {text: "x".repeat(a.size)} }`,
		Lines:       `function main(a) { for (let i = 1; i <= a.n; i++) { console.log("out " + i); console.error("err " + i) } return {} }`,
		Nap:         `function main(a) { return new Promise(done => setTimeout(() => done(a), a.ms)) }`,
		ExitInInit:  `process.exit(3)`,
		ExitInRun:   `function main() { console.log("bye"); process.exit(3) }`,
		HangInInit:  `for (;;);`,
		Allocate:    `function main() { const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)) }`,
		Broken:      `function main( {`,
		Archive:     archived(t, "index.js", `exports.main = a => a`),
		Escaping:    archived(t, "../index.js", `exports.main = a => a`),
	}
}

func pythonTexts(t *testing.T, kind string) factorytest.Kind {
	return factorytest.Kind{
		Kind:        kind,
		Echo:        "def main(a):\n  return a",
		Environment: "import os\ndef main(a):\n  return {'value': os.environ['GREETING']}",
		Counter:     "n = 0\ndef main(a):\n  global n\n  n += 1\n  return {'n': n}",
		Number:      "def main(a):\n  return 42",
		Big:         "def main(a):\n  return {'text': 'x' * a['size']}",
		Lines:       "import sys\ndef main(a):\n  for i in range(1, a['n'] + 1):\n    print('out', i)\n    print('err', i, file=sys.stderr)\n  return {}",
		Nap:         "import time\ndef main(a):\n  time.sleep(a['ms'] / 1000)\n  return a",
		ExitInInit:  "import os\nos._exit(3)",
		ExitInRun:   "import os\ndef main(a):\n  print('bye')\n  os._exit(3)",
		HangInInit:  "while True: pass",
		Allocate:    "def main(a):\n  x = []\n  while True: x.append(bytearray(1 << 20))",
		Broken:      "def main(a:\n",
		Archive:     archived(t, "__main__.py", "def main(a):\n  return a"),
		Escaping:    archived(t, "../__main__.py", "def main(a):\n  return a"),
	}
}

func phpTexts(t *testing.T, kind string) factorytest.Kind {
	return factorytest.Kind{
		Kind:        kind,
		Echo:        `<?php function main(array $a): array { return $a; }`,
		Environment: `<?php function main(array $a): array { return ["value" => getenv("GREETING")]; }`,
		Counter:     `<?php function main(array $a): array { static $n = 0; return ["n" => ++$n]; }`,
		Number:      `<?php function main(array $a) { return 42; }`,
		Big:         `<?php function main(array $a): array { return ["text" => str_repeat("x", $a["size"])]; }`,
		Lines:       `<?php function main(array $a): array { for ($i = 1; $i <= $a["n"]; $i++) { echo "out $i\n"; fwrite(STDERR, "err $i\n"); } return []; }`,
		Nap:         `<?php function main(array $a): array { usleep($a["ms"] * 1000); return $a; }`,
		ExitInInit:  `<?php exit(3);`,
		ExitInRun:   `<?php function main(array $a): array { echo "bye\n"; exit(3); }`,
		HangInInit:  `<?php for (;;);`,
		Allocate:    `<?php ini_set("memory_limit", "-1"); function main(array $a): array { for ($x = []; ; ) $x[] = str_repeat("x", 1 << 20); }`,
		Broken:      `<?php function main(array $a {`,
		Archive:     archived(t, "index.php", `<?php function main(array $a): array { return $a; }`),
		Escaping:    archived(t, "../index.php", `<?php function main(array $a): array { return $a; }`),
	}
}

func rubyTexts(t *testing.T, kind string) factorytest.Kind {
	return factorytest.Kind{
		Kind:        kind,
		Echo:        "def main(a)\n  a\nend",
		Environment: "def main(a)\n  {'value' => ENV['GREETING']}\nend",
		Counter:     "$n = 0\ndef main(a)\n  {'n' => $n += 1}\nend",
		Number:      "def main(a)\n  42\nend",
		Big:         "def main(a)\n  {'text' => 'x' * a['size']}\nend",
		Lines:       "def main(a)\n  1.upto(a['n']) { |i| puts \"out #{i}\"; STDERR.puts \"err #{i}\" }\n  {}\nend",
		Nap:         "def main(a)\n  sleep(a['ms'] / 1000.0)\n  a\nend",
		ExitInInit:  "exit!(3)",
		ExitInRun:   "def main(a)\n  puts 'bye'\n  exit!(3)\nend",
		HangInInit:  "loop {}",
		Allocate:    "def main(a)\n  x = []\n  loop { x << 'x' * (1 << 20) }\nend",
		Broken:      "def main(a",
		Archive:     archived(t, "main.rb", "def main(a)\n  a\nend"),
		Escaping:    archived(t, "../main.rb", "def main(a)\n  a\nend"),
	}
}

// scriptTexts are of the kinds that run a program for each activation: how it
// ends is the action's business, only its last line of output counts.
func scriptTexts(t *testing.T, kind, image string) factorytest.Kind {
	const shell, number = "#!/bin/bash\n", "read -r line\nn=${line//[^0-9]/}\n"
	return factorytest.Kind{
		Kind: kind, Image: image,
		Echo:        shell + "cat",
		Environment: shell + `v=${GREETING//\"/\\\"}; v=${v//$'\n'/\\n}; echo "{\"value\":\"$v\"}"`,
		Counter:     shell + `n=$(cat $TMPDIR/n 2>/dev/null); echo $((n + 1)) > $TMPDIR/n; echo "{\"n\":$((n + 1))}"`,
		Number:      shell + "echo 42",
		Big:         shell + number + `printf '{"text":"'; head -c $n /dev/zero | tr '\0' x; echo '"}'`,
		Lines:       shell + number + `for ((i = 1; i <= n; i++)); do echo "out $i"; echo "err $i" >&2; done; echo '{}'`,
		Nap:         shell + number + `sleep $((n / 1000)); echo "$line"`,
		Allocate:    shell + `x=$(head -c 65536 /dev/zero | tr '\0' x); while :; do all+=("$x"); done`,
		Archive:     archived(t, "exec", shell+"cat"),
		Escaping:    archived(t, "../exec", shell+"cat"),
	}
}

func goTexts(t *testing.T, kind string) factorytest.Kind {
	const head, args = "package main\n", "func Main(a map[string]interface{}) map[string]interface{} "
	return factorytest.Kind{
		Kind:      kind,
		Echo:      head + args + "{ return a }",
		Counter:   head + "var n int\n" + args + `{ n++; return map[string]interface{}{"n": n} }`,
		Nap:       head + "import \"time\"\n" + args + `{ time.Sleep(time.Duration(a["ms"].(float64)) * time.Millisecond); return a }`,
		ExitInRun: head + "import \"os\"\n" + args + `{ os.Exit(3); return a }`,
		Allocate:  head + "var all [][]byte\n" + args + "{ for { b := make([]byte, 1<<20); for i := range b { b[i] = 1 }; all = append(all, b) } }",
		Broken:    head + args + "{",
		Escaping:  archived(t, "../main.go", head+args+"{ return a }"),
	}
}

// certified are the kinds of the kit that this host runs.
func certified(t *testing.T, families ...string) factorytest.Kinds {
	texts := map[string]func(*testing.T, string) factorytest.Kind{
		"nodejs": nodejsTexts, "python": pythonTexts, "php": phpTexts, "ruby": rubyTexts, "go": goTexts, "java": javaTexts,
		"bash": func(t *testing.T, kind string) factorytest.Kind { return scriptTexts(t, kind, "") },
		"blackbox": func(t *testing.T, kind string) factorytest.Kind {
			return scriptTexts(t, kind, entity.SkeletonImage)
		},
	}
	var kinds factorytest.Kinds
	for _, family := range families {
		t.Run(family, func(t *testing.T) { // so that one that is missing is told and the others run
			kinds = append(kinds, texts[family](t, usableKind(t, family)))
		})
	}
	return kinds
}
