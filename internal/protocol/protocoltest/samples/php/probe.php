<?php
$seen = getenv('K');
$empty = getenv('EMPTY');
echo "loading\n";

function main($args)
{
    global $seen, $empty;
    switch ($args['do'] ?? '') {
        case 'print':
            echo "hello stdout\n";
            fwrite(STDERR, "hello stderr\n");
            break;
        case 'winter':
            $winter = '❄ ' . $args['delimiter'] . ' ☃';
            echo $winter . "\n";
            return ['winter' => $winter];
        case 'env':
            $env = [];
            foreach (getenv() as $key => $value) {
                if (str_starts_with($key, '__OW_')) {
                    $env[strtolower(substr($key, 5))] = $value;
                }
            }
            return $env;
        case 'start':
            return ['seen' => $seen, 'empty' => $empty];
        case 'answer':
            return $args['answer'];
        case 'text':
            return 'text';
        case 'throw':
            throw new Exception('wrong');
        case 'exit':
            exit(1);
    }
    return $args;
}
