<?php
// The PHP launcher: one line of JSON in on stdin, one line out on fd 3 (see internal/protocol).
// Works on PHP 7.4 and later. OpenWhisk 3.6, 3.8.4.

const NO_BINARY = 'The action failed to generate or locate a binary. See logs for details.';
const CANNOT_START = 'Cannot start action. Check logs for details.';
const NO_RESULT = 'The action did not return a dictionary or array.';

final class Launcher
{
    private static $answers;
    private static $stdin;
    private static $before = []; // variables of the last run, as they were without it

    public static function answer(string $line): void
    {
        while (ob_get_level() > 0) {
            ob_end_flush();
        }
        fflush(STDOUT);
        fflush(STDERR);
        $line .= "\n";
        for ($at = 0; $at < strlen($line); $at += $n) {
            $n = @fwrite(self::$answers, $at === 0 ? $line : substr($line, $at));
            if ($n === false || $n === 0) {
                exit(1);
            }
        }
    }

    private static function failure(int $status, string $message): string
    {
        return "!$status " . json_encode(['error' => $message], JSON_INVALID_UTF8_SUBSTITUTE);
    }

    // initialize returns a callable, or the answer line that says why there is none.
    private static function initialize(array $init)
    {
        $main = $init['main'] ?: 'main';
        if (($init['code'] ?? '') === '' && ($init['dir'] ?? '') === '') {
            return self::failure(403, 'Missing main/no code to execute.');
        }
        foreach ($init['env'] ?? [] as $key => $value) {
            self::export($key, $value);
        }
        try {
            if (($init['dir'] ?? '') !== '') {
                chdir($init['dir']);
                if (!is_file('index.php')) {
                    fwrite(STDERR, "Zipped actions must contain index.php at the root.\n");
                    return self::failure(502, NO_BINARY);
                }
                if (is_file('vendor/autoload.php')) {
                    require_once $init['dir'] . '/vendor/autoload.php';
                }
                self::load($init['dir'] . '/index.php');
            } else {
                $file = tempnam(sys_get_temp_dir(), 'action');
                file_put_contents($file, $init['code']);
                self::load($file);
                unlink($file);
            }
        } catch (\Throwable $e) {
            fwrite(STDERR, (string) $e . "\n");
            return self::failure(502, CANNOT_START);
        }
        if (!is_callable($main)) {
            fwrite(STDERR, "Function $main not found.\n");
            return self::failure(502, NO_BINARY);
        }
        return $main;
    }

    // load makes the variables of the file global, as those of a script are.
    private static function load(string $file): void
    {
        (static function () use ($file) {
            require $file;
            foreach (array_diff_key(get_defined_vars(), ['file' => 0]) as $name => $value) {
                $GLOBALS[$name] = $value;
            }
        })();
    }

    // export sets a variable, or removes it.
    private static function export(string $key, $value): void
    {
        if ($value === null) {
            putenv($key);
            unset($_ENV[$key]);
            return;
        }
        $text = is_string($value) ? $value : json_encode($value);
        putenv("$key=$text");
        $_ENV[$key] = $text;
    }

    // exportRun sets the variables of a run. What only an earlier one has had is what it was before.
    private static function exportRun(array $body): void
    {
        $now = [];
        foreach ($body as $member => $value) {
            $key = '__OW_' . strtoupper($member);
            $now[$key] = true;
            if (!array_key_exists($key, self::$before)) {
                $old = getenv($key);
                self::$before[$key] = $old === false ? null : $old;
            }
            self::export($key, $value ?? 'null');
        }
        foreach (array_diff_key(self::$before, $now) as $key => $value) {
            self::export($key, $value);
            unset(self::$before[$key]);
        }
    }

    private static function run(callable $main, array $body): string
    {
        $args = $body['value'] ?? [];
        unset($body['value']);
        self::exportRun($body);
        try {
            $result = $main($args);
        } catch (\Throwable $e) {
            fwrite(STDERR, (string) $e . "\n");
            return self::failure(502, NO_RESULT);
        }
        if (is_object($result)) {
            $result = (array) $result;
        }
        if (!is_array($result)) {
            return self::failure(502, NO_RESULT);
        }
        $text = json_encode($result === [] ? new \stdClass() : $result, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES, 10000);
        return $text === false ? self::failure(502, NO_RESULT) : $text;
    }

    // takeStdin moves the requests to another descriptor and leaves an empty standard input: a child
    // that reads its own would take requests.
    private static function takeStdin()
    {
        $requests = fopen('php://fd/0', 'rb');
        fclose(STDIN);
        self::$stdin = fopen('/dev/null', 'rb'); // is descriptor 0, the lowest that is free
        return $requests;
    }

    public static function live(): void
    {
        $requests = self::takeStdin();
        self::$answers = fopen('php://fd/3', 'wb');
        self::answer('{"ok":true}');
        $main = null;
        while (($line = fgets($requests)) !== false) {
            $body = json_decode($line, true, 10000);
            if (!is_array($body)) {
                self::answer(self::failure(400, 'Error unmarshaling request: ' . json_last_error_msg()));
                continue;
            }
            if ($main !== null) {
                self::answer(self::run($main, $body));
                continue;
            }
            if (!isset($body['init'])) {
                self::answer(self::failure(500, 'no action defined yet'));
                continue;
            }
            $found = self::initialize($body['init']);
            if (is_string($found) && $found[0] === '!') {
                self::answer($found);
                continue;
            }
            $main = $found;
            self::answer('{"ok":true}');
        }
    }
}

Launcher::live();
